-- Threads, messages, read markers, and answers in progress.
CREATE TABLE rustygpt.threads (
  root_id uuid PRIMARY KEY,
  conversation_id uuid NOT NULL REFERENCES rustygpt.conversations ON DELETE CASCADE,
  root_excerpt text NOT NULL,
  root_author uuid,
  created_at timestamptz NOT NULL,
  last_activity_at timestamptz NOT NULL,
  message_count integer NOT NULL,
  participant_count integer NOT NULL,
  last_seq integer NOT NULL,
  last_created_event bigint NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE rustygpt.threads IS
  'Threads, with counts that are updated with every message.';

CREATE TABLE rustygpt.thread_authors (
  root_id uuid NOT NULL REFERENCES rustygpt.threads ON DELETE CASCADE,
  user_id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  PRIMARY KEY (root_id, user_id)
);
COMMENT ON TABLE rustygpt.thread_authors IS 'The users who have posted in a thread.';

CREATE TABLE rustygpt.messages (
  id uuid PRIMARY KEY,
  root_id uuid NOT NULL,
  conversation_id uuid NOT NULL REFERENCES rustygpt.conversations ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
  content text NOT NULL,
  path text COLLATE "C" NOT NULL,
  depth integer NOT NULL,
  seq integer NOT NULL,
  created_at timestamptz NOT NULL,
  parent_id uuid,
  author_user_id uuid REFERENCES rustygpt.users ON DELETE SET NULL,
  author_name text,
  edited_at timestamptz,
  deleted_at timestamptz,
  deleted_by uuid,
  model text,
  reasoning text,
  finish_reason text,
  usage json,
  error json,
  omitted_messages integer,
  streaming boolean NOT NULL DEFAULT false,
  requested_by uuid,
  created_event bigint NOT NULL,
  text_events bigint[] NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN rustygpt.messages.content IS
  'Empty while the message is deleted: the text is then in its last revision only.';
COMMENT ON COLUMN rustygpt.messages.author_name IS
  'The name of the author at the time of the post, as in the event of the message.';
COMMENT ON COLUMN rustygpt.messages.seq IS
  'Counts the messages of the thread in the order of commits; read markers refer to it.';
COMMENT ON COLUMN rustygpt.messages.error IS
  'Why an answer failed, as {code, message}; NULL for any other message.';
COMMENT ON COLUMN rustygpt.messages.omitted_messages IS
  'Of an answer: how many earlier messages did not fit into the prompt; NULL if all did.';
COMMENT ON COLUMN rustygpt.messages.created_event IS
  'The number of the event that created the message; within a thread it increases as seq does.';
COMMENT ON COLUMN rustygpt.messages.text_events IS
  'The numbers of the later events that have its text. A deletion removes the text from the log there.';
CREATE UNIQUE INDEX messages_by_path ON rustygpt.messages (root_id, path)
  INCLUDE (depth, conversation_id);
CREATE INDEX messages_by_depth ON rustygpt.messages (root_id, depth, path)
  INCLUDE (conversation_id);
CREATE UNIQUE INDEX messages_by_seq ON rustygpt.messages (root_id, seq)
  INCLUDE (author_user_id, deleted_at, conversation_id);
CREATE INDEX messages_by_created_event ON rustygpt.messages (root_id, created_event)
  INCLUDE (seq, conversation_id);

CREATE TABLE rustygpt.revisions (
  message_id uuid NOT NULL REFERENCES rustygpt.messages ON DELETE CASCADE,
  number integer NOT NULL,
  conversation_id uuid NOT NULL,
  content text NOT NULL,
  reasoning text,
  written_at timestamptz NOT NULL,
  change text NOT NULL CHECK (change IN ('edited', 'deleted')),
  replaced_at timestamptz NOT NULL,
  replaced_by uuid NOT NULL,
  reason text,
  PRIMARY KEY (message_id, number)
);
COMMENT ON TABLE rustygpt.revisions IS
  'Earlier texts of messages, and the texts of deleted ones. Restoring a message removes the row of its
deletion.';

CREATE TABLE rustygpt.read_markers (
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  root_id uuid NOT NULL REFERENCES rustygpt.threads ON DELETE CASCADE,
  read_seq integer NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (user_id, root_id)
);
CREATE INDEX read_markers_by_root ON rustygpt.read_markers (root_id);
COMMENT ON TABLE rustygpt.read_markers IS
  'How far a user has read a thread: up to the message with this seq.';
COMMENT ON COLUMN rustygpt.read_markers.version IS
  'Increases with every move, forward or back: of two counts the one with the higher version is true.';

CREATE TABLE rustygpt.chunks (
  message_id uuid NOT NULL REFERENCES rustygpt.messages ON DELETE CASCADE,
  idx integer NOT NULL,
  conversation_id uuid NOT NULL,
  content text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (message_id, idx)
);
COMMENT ON TABLE rustygpt.chunks IS 'The stored chunks of an assistant''s answer.';

CREATE TABLE rustygpt.generations (
  message_id uuid PRIMARY KEY REFERENCES rustygpt.messages ON DELETE CASCADE,
  conversation_id uuid NOT NULL,
  instance_id text NOT NULL,
  lease_until timestamptz NOT NULL,
  cancel_requested_at timestamptz
);
COMMENT ON TABLE rustygpt.generations IS
  'Answers in progress. The server process instance_id has a lease (Gray and Cheriton, 1989,
https://doi.org/10.1145/74850.74870) until lease_until, which it renews while it writes the answer.
An answer whose lease has expired is ended by any other process. The row is deleted at the end.';

DO $$
DECLARE _table text;
BEGIN
  FOREACH _table IN ARRAY ARRAY['threads', 'thread_authors', 'messages', 'revisions', 'chunks',
    'generations']
  LOOP
    EXECUTE format('ALTER TABLE rustygpt.%I ENABLE ROW LEVEL SECURITY', _table);
    EXECUTE format('ALTER TABLE rustygpt.%I FORCE ROW LEVEL SECURITY', _table);
    EXECUTE format('CREATE POLICY member_rows ON rustygpt.%I USING '
      '(conversation_id = (SELECT rustygpt.current_conversation()) '
      'OR (SELECT rustygpt.is_system()) '
      'OR conversation_id IN (SELECT rustygpt.my_conversations()))', _table);
  END LOOP;
END
$$;
ALTER TABLE rustygpt.read_markers ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.read_markers FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON rustygpt.read_markers USING (user_id = (SELECT rustygpt.actor()));
CREATE POLICY system ON rustygpt.read_markers FOR SELECT USING ((SELECT rustygpt.is_system()));

ALTER TABLE rustygpt.applied_scripts ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.applied_scripts FORCE ROW LEVEL SECURITY;
CREATE POLICY bootstrap ON rustygpt.applied_scripts USING (true);

-- The conversation of a message, also before the actor is authorized for it.
DO $$
DECLARE _reader text := rustygpt.role_of('reader');
BEGIN
  EXECUTE format(
    'GRANT SELECT (id, conversation_id) ON rustygpt.messages TO %I', _reader);
  EXECUTE format(
    'CREATE POLICY reader ON rustygpt.messages FOR SELECT TO %I USING (true)', _reader);
END
$$;
SELECT set_config('role', rustygpt.role_of('reader'), false);
CREATE FUNCTION rustygpt.conversation_of(_message_id uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
  SELECT conversation_id FROM rustygpt.messages WHERE id = _message_id
$$;
DO $$
BEGIN
  EXECUTE format('GRANT EXECUTE ON FUNCTION rustygpt.conversation_of(uuid) TO %I',
    rustygpt.role_of('owner'));
END
$$;
SELECT set_config('role', rustygpt.role_of('owner'), false);
