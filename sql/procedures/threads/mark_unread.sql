-- Move the actor's read marker of a thread back to just before a message, so that the message and all
-- later ones are unread. A marker that is further back stays, as moving it forward would mark messages
-- as read; what the actor had read by joining stays read. For participants, viewers included. `unread` is the count at the event number `position`.
CREATE OR REPLACE FUNCTION rustygpt.mark_unread(_actor uuid, _root_id uuid, _message_id uuid)
RETURNS TABLE (root_id uuid, unread integer, read_seq integer, conversation_id uuid,
  "position" bigint, version bigint, moved boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _conversation_id uuid := rustygpt.conversation_of(_root_id);
  _seq integer;
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'thread');
  SELECT m.seq INTO _seq FROM rustygpt.messages m
  WHERE m.root_id = _root_id AND m.id = _message_id;
  IF _seq IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such message in this thread.');
  END IF;
  RETURN QUERY SELECT *
    FROM rustygpt.move_read_marker(_actor, _conversation_id, _root_id, _seq - 1, true);
END
$$;
