-- The payload of the events message.new and message.updated. `_change` says what a person did.
CREATE OR REPLACE FUNCTION rustygpt.message_json(
  _message rustygpt.messages, _change text DEFAULT NULL
) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object('message', json_build_object(
    'id', _message.id, 'root_id', _message.root_id, 'conversation_id', _message.conversation_id,
    'role', _message.role, 'content', _message.content, 'path', _message.path,
    'depth', _message.depth, 'seq', _message.seq,
    'created_at', rustygpt.rfc3339(_message.created_at), 'parent_id', _message.parent_id,
    'author_user_id', _message.author_user_id,
    'author_name', _message.author_name, 'edited_at', rustygpt.rfc3339(_message.edited_at),
    'deleted_at', rustygpt.rfc3339(_message.deleted_at), 'deleted_by', _message.deleted_by,
    'model', _message.model,
    'reasoning', _message.reasoning, 'finish_reason', _message.finish_reason,
    'usage', _message.usage, 'error', _message.error,
    'omitted_messages', _message.omitted_messages,
    'streaming', NULLIF(_message.streaming, false)), 'change', _change))::text
$$;
