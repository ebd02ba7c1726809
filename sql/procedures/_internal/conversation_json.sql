-- The payload of a conversation.updated event. All participants get it, so the system prompt, which
-- only owners and administrators may see, is not in it. The excerpt is beside the conversation,
-- because every message changes it.
CREATE OR REPLACE FUNCTION rustygpt.conversation_json(_conversation rustygpt.conversations)
RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object('conversation', json_build_object(
    'id', _conversation.id, 'title', _conversation.title, 'is_group', _conversation.is_group,
    'assistant_mode', _conversation.assistant_mode,
    'created_at', rustygpt.rfc3339(_conversation.created_at),
    'model', _conversation.model,
    'archived_at', rustygpt.rfc3339(_conversation.archived_at)),
    'last_message_excerpt', _conversation.last_message_excerpt))::text
$$;
