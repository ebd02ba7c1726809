-- Conversations, their participants, and their event logs.
CREATE TABLE rustygpt.conversations (
  id uuid PRIMARY KEY,
  title text NOT NULL,
  is_group boolean NOT NULL,
  assistant_mode text NOT NULL CHECK (assistant_mode IN ('always', 'mention', 'off')),
  model text,
  system_prompt text,
  created_by uuid NOT NULL REFERENCES rustygpt.users,
  created_at timestamptz NOT NULL,
  archived_at timestamptz,
  deleted_at timestamptz,
  last_event_number bigint NOT NULL DEFAULT 0,
  last_activity_at timestamptz NOT NULL,
  last_message_id uuid,
  last_message_excerpt text,
  participant_count integer NOT NULL DEFAULT 1
) WITH (fillfactor = 70);
COMMENT ON COLUMN rustygpt.conversations.deleted_at IS
  'The row of a deleted conversation stays, without its title and settings: it keeps id and position.';
COMMENT ON COLUMN rustygpt.conversations.last_event_number IS
  'The number of the last durable event. It is incremented under the lock of this row, so that the
order of numbers is the order of commits, without gaps.';

CREATE TABLE rustygpt.participants (
  conversation_id uuid NOT NULL REFERENCES rustygpt.conversations ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  joined_at timestamptz NOT NULL,
  joined_at_event bigint NOT NULL,
  read_event bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (conversation_id, user_id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN rustygpt.participants.joined_at_event IS
  'The event number of the joining. Earlier messages do not count as unread, so that no read marker
is needed for each thread.';
COMMENT ON COLUMN rustygpt.participants.read_event IS
  'Threads whose last message has an event number up to this one have nothing unread: the lists of
what is unread do not read them. See advance_read_event.';
CREATE INDEX participants_by_user ON rustygpt.participants (user_id, conversation_id);

CREATE TABLE rustygpt.purges (
  conversation_id uuid PRIMARY KEY REFERENCES rustygpt.conversations,
  deleted_at timestamptz NOT NULL
);
COMMENT ON TABLE rustygpt.purges IS
  'Deleted conversations whose threads, messages and events are still to be deleted, in batches.';

CREATE TABLE rustygpt.events (
  conversation_id uuid NOT NULL,
  number bigint NOT NULL,
  type text NOT NULL,
  payload json NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (conversation_id, number)
);
COMMENT ON TABLE rustygpt.events IS
  'Durable events in the format of the event streams; the oldest are pruned.';

ALTER TABLE rustygpt.conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.participants ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.participants FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.purges ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.purges FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.events FORCE ROW LEVEL SECURITY;

DO $$
DECLARE _reader text := rustygpt.role_of('reader');
BEGIN
  EXECUTE format(
    'GRANT SELECT (conversation_id, user_id, role) ON rustygpt.participants TO %I', _reader);
  EXECUTE format(
    'CREATE POLICY reader ON rustygpt.participants FOR SELECT TO %I USING (true)', _reader);
END
$$;
SELECT set_config('role', rustygpt.role_of('reader'), false);
-- The role of a user in a conversation; NULL if the user is not in it or is disabled.
CREATE FUNCTION rustygpt.role_in(_conversation_id uuid, _user_id uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
  SELECT p.role FROM rustygpt.participants p JOIN rustygpt.users u ON u.id = p.user_id
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id AND u.disabled_at IS NULL
$$;
-- The ids of the actor's conversations.
CREATE FUNCTION rustygpt.my_conversations() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp ROWS 100 AS $$
  SELECT conversation_id FROM rustygpt.participants WHERE user_id = rustygpt.actor()
$$;
DO $$
BEGIN
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION rustygpt.role_in(uuid, uuid), rustygpt.my_conversations() TO %I',
    rustygpt.role_of('owner'));
END
$$;
SELECT set_config('role', rustygpt.role_of('owner'), false);

-- Authorize the actor to read a conversation: sets the actor and the current conversation of the
-- transaction, which makes its rows visible. Returns the actor's role; raises RG404 for a
-- non-participant, with a message about `_subject`.
CREATE FUNCTION rustygpt.authorize_read(
  _actor uuid, _conversation_id uuid, _subject text
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE _role text := rustygpt.role_in(_conversation_id, _actor);
BEGIN
  IF _role IS NULL THEN
    PERFORM rustygpt.raise_error('RG404',
      'There is no such ' || _subject || ', or you are not in it.');
  END IF;
  PERFORM set_config('rustygpt.actor', _actor::text, true),
    set_config('rustygpt.conversation', _conversation_id::text, true);
  RETURN _role;
END
$$;

-- The comparison with the current conversation is cheap. The list of all the actor's conversations
-- is only built for statements that access other conversations, too.
CREATE POLICY member_rows ON rustygpt.conversations
  USING (id = (SELECT rustygpt.current_conversation()) OR (SELECT rustygpt.is_system())
    OR id IN (SELECT rustygpt.my_conversations()));
CREATE POLICY insert_own ON rustygpt.conversations FOR INSERT
  WITH CHECK (created_by = (SELECT rustygpt.actor()));
CREATE POLICY member_rows ON rustygpt.participants
  USING (conversation_id = (SELECT rustygpt.current_conversation()) OR (SELECT rustygpt.is_system())
    OR conversation_id IN (SELECT rustygpt.my_conversations()));
CREATE POLICY system ON rustygpt.purges USING ((SELECT rustygpt.is_system()));
CREATE POLICY insert_current ON rustygpt.purges FOR INSERT
  WITH CHECK (conversation_id = (SELECT rustygpt.current_conversation()));
CREATE POLICY member_rows ON rustygpt.events
  USING (conversation_id = (SELECT rustygpt.current_conversation())
    OR (SELECT rustygpt.is_system()));
