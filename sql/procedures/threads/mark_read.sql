-- Move the actor's read marker of a thread forward to a message, given by path or id, or to the end
-- of the thread; it never moves backward. For participants, viewers included. `unread` is the count
-- at the event number `position`.
CREATE OR REPLACE FUNCTION rustygpt.mark_read(
  _actor uuid, _root_id uuid, _path text, _message_id uuid
) RETURNS TABLE (root_id uuid, unread integer, conversation_id uuid, "position" bigint,
  moved boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _conversation_id uuid := rustygpt.conversation_of(_root_id);
  _created_event bigint;
  _counted_after bigint;
  _moved boolean;
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'thread');
  IF _path IS NULL AND _message_id IS NULL THEN
    SELECT t.last_created_event INTO _created_event FROM rustygpt.threads t
    WHERE t.root_id = _root_id;
  ELSE
    SELECT m.created_event INTO _created_event FROM rustygpt.messages m WHERE m.root_id = _root_id
      AND (_path IS NULL OR m.path = _path) AND (_message_id IS NULL OR m.id = _message_id);
  END IF;
  IF _created_event IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such message in this thread.');
  END IF;
  INSERT INTO rustygpt.read_markers AS r (user_id, root_id, read_up_to_event)
  VALUES (_actor, _root_id, _created_event)
  ON CONFLICT (user_id, root_id) DO UPDATE SET read_up_to_event = excluded.read_up_to_event
    WHERE r.read_up_to_event < excluded.read_up_to_event;
  _moved := FOUND;
  SELECT GREATEST(p.joined_at_event, r.read_up_to_event) INTO _counted_after
  FROM rustygpt.participants p JOIN rustygpt.read_markers r ON r.user_id = p.user_id
  WHERE p.conversation_id = _conversation_id AND p.user_id = _actor AND r.root_id = _root_id;
  RETURN QUERY SELECT _root_id, rustygpt.unread_in_thread(_root_id, _actor, _counted_after), c.id,
    c.last_event_number, _moved
  FROM rustygpt.conversations c WHERE c.id = _conversation_id;
END
$$;
