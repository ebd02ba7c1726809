-- The presence of these users, optionally with the conversations they are in; users without a
-- heartbeat are omitted. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_presence(_users uuid[], _with_conversations boolean)
RETURNS TABLE (user_id uuid, declared_status text, last_seen_at timestamptz, heartbeat_seq bigint,
  conversation_ids uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT s.user_id, s.declared_status, s.last_seen_at, s.heartbeat_seq,
      CASE WHEN _with_conversations THEN ARRAY(
        SELECT p.conversation_id FROM rustygpt.participants p WHERE p.user_id = s.user_id
      ) ELSE '{}'::uuid[] END
    FROM rustygpt.presence s WHERE s.user_id = ANY (_users);
END
$$;
