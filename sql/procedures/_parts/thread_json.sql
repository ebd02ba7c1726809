-- The payload of thread.new. `root_author` may be null, and says so.
CREATE OR REPLACE FUNCTION rustygpt.thread_json(_t rustygpt.threads) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'conversation_id', _t.conversation_id, 'root_id', _t.root_id,
    'summary', json_build_object(
      'root_id', _t.root_id, 'root_excerpt', _t.root_excerpt, 'root_author', _t.root_author,
      'created_at', rustygpt.wire_time(_t.created_at),
      'last_activity_at', rustygpt.wire_time(_t.last_activity_at),
      'message_count', _t.message_count, 'participant_count', _t.participant_count))::text
$$;
