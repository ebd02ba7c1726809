-- Move the read marker of a user, who is authorized for the conversation, to a seq, but not below
-- what the user had read by joining. It moves backward with `_back`, else forward, never the other
-- way. `unread` is the count at the event number `position`. Moves of one participant follow each
-- other, as each also moves the participant's read_event.
CREATE OR REPLACE FUNCTION rustygpt.move_read_marker(
  _actor uuid, _conversation_id uuid, _root_id uuid, _seq integer, _back boolean
) RETURNS TABLE (root_id uuid, unread integer, read_seq integer, conversation_id uuid,
  "position" bigint, version bigint, moved boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _joined_at_event bigint;
  _joined_seq integer;
  _moved boolean;
BEGIN
  SELECT p.joined_at_event INTO _joined_at_event FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _actor FOR NO KEY UPDATE;
  IF NOT FOUND THEN  -- removed since the user was authorized
    PERFORM rustygpt.raise_error('RG404', 'There is no such thread, or you are not in it.');
  END IF;
  _joined_seq := rustygpt.effective_read_seq(_root_id, _joined_at_event, 0);
  INSERT INTO rustygpt.read_markers AS r (user_id, root_id, read_seq, version)
  SELECT _actor, _root_id, GREATEST(_seq, _joined_seq), 1
  WHERE NOT _back AND _seq > _joined_seq OR _back AND EXISTS (
    SELECT 1 FROM rustygpt.read_markers o WHERE o.user_id = _actor AND o.root_id = _root_id)
  ON CONFLICT (user_id, root_id) DO UPDATE
    SET read_seq = excluded.read_seq, version = r.version + 1
    WHERE CASE WHEN _back THEN r.read_seq > excluded.read_seq
      ELSE r.read_seq < excluded.read_seq END;
  _moved := FOUND;
  IF _moved AND _back THEN
    UPDATE rustygpt.participants p SET read_event = t.last_created_event - 1
    FROM rustygpt.threads t WHERE t.root_id = _root_id AND p.read_event >= t.last_created_event
      AND p.conversation_id = _conversation_id AND p.user_id = _actor;
  ELSIF _moved THEN
    PERFORM rustygpt.advance_read_event(_actor, _conversation_id);
  END IF;
  RETURN QUERY SELECT _root_id, rustygpt.unread_in_thread(_root_id, _actor, s.read_seq), s.read_seq,
      c.id, c.last_event_number, s.version, _moved
    FROM rustygpt.conversations c CROSS JOIN LATERAL (
      SELECT GREATEST(_joined_seq, max(r.read_seq)), COALESCE(max(r.version), 0)
      FROM rustygpt.read_markers r WHERE r.user_id = _actor AND r.root_id = _root_id
    ) AS s (read_seq, version)
    WHERE c.id = _conversation_id;
END
$$;
