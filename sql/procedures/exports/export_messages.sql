-- The messages of a conversation by thread and path, after the one at (`_after_root`, `_after_path`):
-- those that existed at event number `_position`, of all threads or of `_only_root`. For participants.
-- A page ends at `_limit` messages or 1 MiB; its cost does not depend on what is stored.
CREATE OR REPLACE FUNCTION rustygpt.export_messages(
  _actor uuid, _conversation_id uuid, _position bigint, _only_root uuid, _after_root uuid,
  _after_path text, _limit integer
) RETURNS TABLE (path text, id uuid, root_id uuid, role text, content text, depth integer,
  seq integer, created_at timestamptz, parent_id uuid, author text, author_name text,
  edited_at timestamptz, deleted_at timestamptz, deleted_by text, model text, reasoning text,
  finish_reason text, usage json, error json, streaming boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _root uuid;
  _count integer := 0;
  _bytes bigint := 0;
  _message rustygpt.messages;
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  -- Not COALESCE in the statement: row-level security lets a generic plan use no index for it.
  _after_path := COALESCE(_after_path, '');
  _after_root := COALESCE(_after_root, _only_root, '00000000-0000-0000-0000-000000000000');
  FOR _root IN
    SELECT t.root_id FROM rustygpt.threads t
    WHERE t.conversation_id = _conversation_id AND t.root_id >= _after_root
    ORDER BY t.root_id
  LOOP
    EXIT WHEN _root > _only_root;
    FOR _message IN
      SELECT * FROM rustygpt.messages m WHERE m.root_id = _root
        AND m.path > CASE WHEN _root = _after_root THEN _after_path ELSE '' END
        AND m.created_event <= _position
      ORDER BY m.path LIMIT _limit
    LOOP
      _bytes := _bytes + octet_length(_message.content)
        + COALESCE(octet_length(_message.reasoning), 0) + 600;
      IF _count = _limit OR _count > 0 AND _bytes > 1048576 THEN
        RETURN;
      END IF;
      _count := _count + 1;
      path := _message.path;
      id := _message.id;
      root_id := _message.root_id;
      role := _message.role;
      content := _message.content;
      depth := _message.depth;
      seq := _message.seq;
      created_at := _message.created_at;
      parent_id := _message.parent_id;
      author := (SELECT u.username FROM rustygpt.users u WHERE u.id = _message.author_user_id);
      author_name := _message.author_name;
      edited_at := _message.edited_at;
      deleted_at := _message.deleted_at;
      deleted_by := (SELECT u.username FROM rustygpt.users u WHERE u.id = _message.deleted_by);
      model := _message.model;
      reasoning := _message.reasoning;
      finish_reason := _message.finish_reason;
      usage := _message.usage;
      error := _message.error;
      streaming := _message.streaming;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;
