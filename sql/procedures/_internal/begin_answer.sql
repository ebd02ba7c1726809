-- Start the assistant's answer to a message: inserts its row, marked as streaming, and the lease of
-- the server process that writes it.
CREATE OR REPLACE FUNCTION rustygpt.begin_answer(
  _message rustygpt.messages, _answer_id uuid, _model text, _instance_id text,
  _lease_until timestamptz
) RETURNS rustygpt.messages
LANGUAGE plpgsql AS $$
DECLARE
  _answer rustygpt.messages;
BEGIN
  UPDATE rustygpt.threads t SET message_count = t.message_count + 1, last_seq = t.last_seq + 1,
    last_created_event = _message.created_event + 1
  WHERE t.root_id = _message.root_id RETURNING t.last_seq INTO _answer.seq;
  INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
    created_at, parent_id, model, streaming, requested_by, created_event)
  VALUES (_answer_id, _message.root_id, _message.conversation_id, 'assistant', '',
    rustygpt.path_for_child(_message.root_id, _message.path, _message.depth), _message.depth + 1,
    _answer.seq, _message.created_at,
    _message.id, _model, true, _message.author_user_id, _message.created_event + 1)
  RETURNING * INTO _answer;
  INSERT INTO rustygpt.generations (message_id, conversation_id, instance_id, lease_until)
  VALUES (_answer_id, _message.conversation_id, _instance_id, _lease_until);
  RETURN _answer;
END
$$;
