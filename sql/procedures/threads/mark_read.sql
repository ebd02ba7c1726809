-- Move the actor's read marker of a thread forward: to a seq, to a message given by path or id, or to
-- the end of the thread. A seq beyond the last message is the end. It never moves backward. For
-- participants, viewers included. `unread` is the count at the event number `position`.
CREATE OR REPLACE FUNCTION rustygpt.mark_read(
  _actor uuid, _root_id uuid, _seq bigint, _path text, _message_id uuid
) RETURNS TABLE (root_id uuid, unread integer, read_seq integer, conversation_id uuid,
  "position" bigint, version bigint, moved boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _conversation_id uuid := rustygpt.conversation_of(_root_id);
  _target integer;
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'thread');
  IF _message_id IS NOT NULL THEN
    SELECT m.seq INTO _target FROM rustygpt.messages m
    WHERE m.id = _message_id AND m.root_id = _root_id;
  ELSIF _path IS NOT NULL THEN
    SELECT m.seq INTO _target FROM rustygpt.messages m
    WHERE m.root_id = _root_id AND m.path = _path;
  ELSE
    SELECT LEAST(t.last_seq, _seq) INTO _target FROM rustygpt.threads t
    WHERE t.root_id = _root_id;
  END IF;
  IF _target IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such message in this thread.');
  END IF;
  RETURN QUERY SELECT *
    FROM rustygpt.move_read_marker(_actor, _conversation_id, _root_id, _target, false);
END
$$;
