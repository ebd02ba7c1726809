-- The payload of a conversation.updated event.
CREATE OR REPLACE FUNCTION rustygpt.conversation_json(_conversation rustygpt.conversations)
RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('conversation', json_strip_nulls(json_build_object(
    'id', _conversation.id, 'title', _conversation.title, 'is_group', _conversation.is_group,
    'assistant_mode', _conversation.assistant_mode,
    'created_at', rustygpt.rfc3339(_conversation.created_at),
    'model', _conversation.model, 'system_prompt', _conversation.system_prompt,
    'archived_at', rustygpt.rfc3339(_conversation.archived_at))))::text
$$;
