-- The payload of message.done.
CREATE OR REPLACE FUNCTION rustygpt.done_json(_m rustygpt.messages, _chunks integer) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object(
    'message_id', _m.id, 'root_id', _m.root_id, 'conversation_id', _m.conversation_id,
    'finish_reason', _m.finish_reason, 'chunks', _chunks, 'usage', _m.usage))::text
$$;
