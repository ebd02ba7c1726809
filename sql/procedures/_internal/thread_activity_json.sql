-- The payload of a thread.activity event.
CREATE OR REPLACE FUNCTION rustygpt.thread_activity_json(_thread rustygpt.threads) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'conversation_id', _thread.conversation_id, 'root_id', _thread.root_id,
    'last_activity_at', rustygpt.rfc3339(_thread.last_activity_at),
    'message_count', _thread.message_count, 'participant_count', _thread.participant_count,
    'root_excerpt', _thread.root_excerpt)::text
$$;
