-- Begin the assistant's answer to a message: its row, streaming, and who writes it until when.
CREATE OR REPLACE FUNCTION rustygpt.begin_answer(
  _m rustygpt.messages, _answer_id uuid, _model text, _runner text, _lease_until timestamptz
) RETURNS rustygpt.messages
LANGUAGE plpgsql AS $$
DECLARE
  _a rustygpt.messages;
BEGIN
  UPDATE rustygpt.threads t SET message_count = t.message_count + 1, last_seq = t.last_seq + 1,
    last_born = _m.born + 1
  WHERE t.root_id = _m.root_id RETURNING t.last_seq INTO _a.seq;
  INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
    created_at, parent_id, model, streaming, asked_by, born)
  VALUES (_answer_id, _m.root_id, _m.conversation_id, 'assistant', '',
    rustygpt.path_for_child(_m.root_id, _m.path, _m.depth), _m.depth + 1, _a.seq, _m.created_at,
    _m.id, _model, true, _m.author_user_id, _m.born + 1)
  RETURNING * INTO _a;
  INSERT INTO rustygpt.generations (message_id, conversation_id, runner, lease_until)
  VALUES (_answer_id, _m.conversation_id, _runner, _lease_until);
  RETURN _a;
END
$$;
