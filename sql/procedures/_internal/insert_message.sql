-- Insert a user's message at its position in the tree, and count it in its thread. The caller
-- holds the lock on the row of the conversation, so the number of the message.new event is known:
-- the next one, or for a root the one after thread.new.
CREATE OR REPLACE FUNCTION rustygpt.insert_message(
  _new rustygpt.new_message, _conversation rustygpt.conversations, _now timestamptz
) RETURNS rustygpt.messages
LANGUAGE plpgsql AS $$
DECLARE
  _message rustygpt.messages;
  _parent rustygpt.messages;
BEGIN
  IF _new.parent_id IS NULL THEN
    _message.root_id := _new.id;
    _message.path := rustygpt.path_encode(ARRAY[0]);
    _message.depth := 1;
    _message.seq := 1;
    _message.created_event := _conversation.last_event_number + 2;
    INSERT INTO rustygpt.threads (root_id, conversation_id, root_excerpt, root_author, created_at,
      last_activity_at, message_count, participant_count, last_seq, last_created_event)
    VALUES (_new.id, _conversation.id, rustygpt.excerpt(_new.content), _new.actor, _now, _now, 1, 0,
      1, _message.created_event);
  ELSE
    SELECT * INTO STRICT _parent FROM rustygpt.messages WHERE id = _new.parent_id;
    _message.root_id := _parent.root_id;
    _message.path := rustygpt.path_for_child(_parent.root_id, _parent.path, _parent.depth);
    _message.depth := _parent.depth + 1;
    _message.created_event := _conversation.last_event_number + 1;
    UPDATE rustygpt.threads t SET last_activity_at = GREATEST(t.last_activity_at, _now),
      message_count = t.message_count + 1, last_seq = t.last_seq + 1,
      last_created_event = _message.created_event
    WHERE t.root_id = _parent.root_id RETURNING t.last_seq INTO _message.seq;
  END IF;
  INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
    created_at, parent_id, author_user_id, author_name, created_event)
  VALUES (_new.id, _message.root_id, _conversation.id, _new.role, _new.content, _message.path,
    _message.depth, _message.seq, _now, _new.parent_id, _new.actor,
    (SELECT COALESCE(u.display_name, u.username) FROM rustygpt.users u WHERE u.id = _new.actor),
    _message.created_event)
  RETURNING * INTO _message;
  INSERT INTO rustygpt.thread_authors (root_id, user_id, conversation_id)
  VALUES (_message.root_id, _new.actor, _conversation.id) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    UPDATE rustygpt.threads t SET participant_count = t.participant_count + 1
    WHERE t.root_id = _message.root_id;
  END IF;
  RETURN _message;
END
$$;
