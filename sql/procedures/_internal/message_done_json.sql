-- The payload of a message.done event.
CREATE OR REPLACE FUNCTION rustygpt.message_done_json(
  _message rustygpt.messages, _chunk_count integer
) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object(
    'message_id', _message.id, 'root_id', _message.root_id,
    'conversation_id', _message.conversation_id,
    'finish_reason', _message.finish_reason, 'chunks', _chunk_count, 'usage', _message.usage))::text
$$;
