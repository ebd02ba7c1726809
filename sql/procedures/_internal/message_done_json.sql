-- The payload of message.done.
CREATE OR REPLACE FUNCTION rustygpt.message_done_json(_message rustygpt.messages, _chunks integer) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object(
    'message_id', _message.id, 'root_id', _message.root_id, 'conversation_id', _message.conversation_id,
    'finish_reason', _message.finish_reason, 'chunks', _chunks, 'usage', _message.usage))::text
$$;
