-- The payload of message.new and message.updated.
CREATE OR REPLACE FUNCTION rustygpt.message_json(_m rustygpt.messages) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('message', json_strip_nulls(json_build_object(
    'id', _m.id, 'root_id', _m.root_id, 'conversation_id', _m.conversation_id,
    'role', _m.role, 'content', _m.content, 'path', _m.path, 'depth', _m.depth,
    'seq', _m.seq, 'created_at', rustygpt.wire_time(_m.created_at),
    'parent_id', _m.parent_id, 'author_user_id', _m.author_user_id,
    'author_name', _m.author_name, 'edited_at', rustygpt.wire_time(_m.edited_at),
    'deleted_at', rustygpt.wire_time(_m.deleted_at), 'model', _m.model,
    'reasoning', _m.reasoning, 'finish_reason', _m.finish_reason, 'usage', _m.usage,
    'streaming', NULLIF(_m.streaming, false))))::text
$$;
