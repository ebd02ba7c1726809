-- The payload of thread.activity.
CREATE OR REPLACE FUNCTION rustygpt.activity_json(_t rustygpt.threads) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'conversation_id', _t.conversation_id, 'root_id', _t.root_id,
    'last_activity_at', rustygpt.wire_time(_t.last_activity_at),
    'message_count', _t.message_count, 'participant_count', _t.participant_count,
    'root_excerpt', _t.root_excerpt)::text
$$;
