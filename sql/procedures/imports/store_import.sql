-- Store a batch of an import of the actor's: `_batch` is a JSON object with arrays of rows, in the
-- order in which they depend on each other. Nobody sees them before finish_import. Raises RG404 if the
-- import has ended, RG422 if two messages of a thread have one seq.
--
-- The messages have no events. `created_event` is the seq, and the conversation's last event number
-- the highest one, so that numbers that events get later are higher.
CREATE OR REPLACE FUNCTION rustygpt.store_import(
  _actor uuid, _import_id uuid, _batch text, _valid_until timestamptz, _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _rows json;
  _name text;
  _count integer;
  _end record;
  _message rustygpt.messages;
BEGIN
  PERFORM rustygpt.lock_import(_actor, _import_id, _now);
  _rows := _batch::json;
  UPDATE rustygpt.imports i SET valid_until = _valid_until WHERE i.id = _import_id;
  SELECT COALESCE(u.display_name, u.username) INTO _name FROM rustygpt.users u WHERE u.id = _actor;
  INSERT INTO rustygpt.conversations (id, title, is_group, assistant_mode, model, system_prompt,
    created_by, created_at, archived_at, last_activity_at)
  SELECT r.id, r.title, r.is_group, r.assistant_mode, r.model, r.system_prompt, _actor,
    r.created_at, r.archived_at, r.created_at
  FROM json_to_recordset(_rows -> 'conversations') AS r (id uuid, title text, is_group boolean,
    assistant_mode text, model text, system_prompt text, created_at timestamptz,
    archived_at timestamptz);
  INSERT INTO rustygpt.import_conversations (import_id, conversation_id)
  SELECT _import_id, r.id FROM json_to_recordset(_rows -> 'conversations') AS r (id uuid);
  INSERT INTO rustygpt.threads (root_id, conversation_id, root_excerpt, created_at,
    last_activity_at, message_count, participant_count, last_seq, last_created_event)
  SELECT r.root_id, r.conversation_id, '', r.created_at, r.created_at, 0, 0, 0, 0
  FROM json_to_recordset(_rows -> 'threads') AS r (root_id uuid, conversation_id uuid,
    created_at timestamptz);
  INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
    created_at, parent_id, author_user_id, author_name, edited_at, deleted_at, deleted_by, model,
    reasoning, finish_reason, usage, error, requested_by, created_event)
  SELECT r.id, r.root_id, r.conversation_id, r.role, r.content,
    rustygpt.path_encode(ARRAY[r.ordinal]), r.depth, r.seq, r.created_at, r.parent_id,
    CASE WHEN r.is_mine THEN _actor END, CASE WHEN r.is_mine THEN _name ELSE r.author_name END,
    r.edited_at, r.deleted_at, CASE WHEN r.deleted_at IS NOT NULL THEN _actor END, r.model,
    r.reasoning, r.finish_reason, r.usage, r.error,
    CASE WHEN r.role = 'assistant' THEN _actor END, r.seq
  FROM json_to_recordset(_rows -> 'messages') AS r (id uuid, root_id uuid, conversation_id uuid,
    role text, content text, ordinal bigint, depth integer, seq integer, created_at timestamptz,
    parent_id uuid, is_mine boolean, author_name text, edited_at timestamptz,
    deleted_at timestamptz, model text, reasoning text, finish_reason text, usage json, error json)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS _count = ROW_COUNT;
  IF _count < json_array_length(_rows -> 'messages') THEN
    PERFORM rustygpt.raise_error('RG422', 'two messages of one thread have the same seq');
  END IF;
  INSERT INTO rustygpt.revisions (message_id, number, conversation_id, content, reasoning,
    written_at, change, replaced_at, replaced_by, reason)
  SELECT r.message_id, r.number, r.conversation_id, r.content, r.reasoning, r.written_at, r.change,
    r.replaced_at, _actor, r.reason
  FROM json_to_recordset(_rows -> 'revisions') AS r (message_id uuid, number integer,
    conversation_id uuid, content text, reasoning text, written_at timestamptz, change text,
    replaced_at timestamptz, reason text);
  -- One by one: a plan for all of them at once may scan the tables.
  FOR _end IN
    SELECT * FROM json_to_recordset(_rows -> 'thread_ends') AS r (root_id uuid,
      last_activity_at timestamptz, message_count integer, last_seq integer, is_mine boolean)
  LOOP
    SELECT * INTO STRICT _message FROM rustygpt.messages m WHERE m.id = _end.root_id;
    UPDATE rustygpt.threads t SET last_activity_at = _end.last_activity_at,
      message_count = _end.message_count, participant_count = _end.is_mine::integer,
      last_seq = _end.last_seq, last_created_event = _end.last_seq,
      root_author = _message.author_user_id, root_excerpt = rustygpt.excerpt(_message.content)
    WHERE t.root_id = _end.root_id;
  END LOOP;
  INSERT INTO rustygpt.thread_authors (root_id, user_id, conversation_id)
  SELECT r.root_id, _actor, r.conversation_id
  FROM json_to_recordset(_rows -> 'thread_ends') AS r (root_id uuid, conversation_id uuid,
    is_mine boolean) WHERE r.is_mine;
  FOR _end IN
    SELECT * FROM json_to_recordset(_rows -> 'conversation_ends') AS r (id uuid,
      last_message_id uuid, last_activity_at timestamptz, last_event_number bigint)
  LOOP
    SELECT * INTO _message FROM rustygpt.messages m WHERE m.id = _end.last_message_id;
    UPDATE rustygpt.conversations c SET last_activity_at = _end.last_activity_at,
      last_event_number = _end.last_event_number, last_message_id = _message.id,
      last_message_excerpt = rustygpt.excerpt(_message.content)
    WHERE c.id = _end.id;
  END LOOP;
END
$$;
