-- The payload of conversation.updated.
CREATE OR REPLACE FUNCTION rustygpt.conversation_json(_c rustygpt.conversations) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('conversation', json_strip_nulls(json_build_object(
    'id', _c.id, 'title', _c.title, 'is_group', _c.is_group,
    'assistant_mode', _c.assistant_mode, 'created_at', rustygpt.wire_time(_c.created_at),
    'model', _c.model, 'system_prompt', _c.system_prompt,
    'archived_at', rustygpt.wire_time(_c.archived_at))))::text
$$;
