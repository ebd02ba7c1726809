-- The payload of a thread.new event. `root_author` is null if the author has no account any more.
CREATE OR REPLACE FUNCTION rustygpt.thread_json(_thread rustygpt.threads) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'conversation_id', _thread.conversation_id, 'root_id', _thread.root_id,
    'summary', json_build_object(
      'root_id', _thread.root_id, 'root_excerpt', _thread.root_excerpt,
      'root_author', _thread.root_author,
      'created_at', rustygpt.rfc3339(_thread.created_at),
      'last_activity_at', rustygpt.rfc3339(_thread.last_activity_at),
      'message_count', _thread.message_count, 'participant_count', _thread.participant_count))::text
$$;
