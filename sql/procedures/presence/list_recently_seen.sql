-- The users last seen after `_since`, in ascending order of time; the latest `_limit` of them. For
-- the system.
CREATE OR REPLACE FUNCTION rustygpt.list_recently_seen(_since timestamptz, _limit integer)
RETURNS TABLE (user_id uuid, declared_status text, last_seen_at timestamptz, heartbeat_seq bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT l.user_id, l.declared_status, l.last_seen_at, l.heartbeat_seq FROM (
      SELECT s.user_id, s.declared_status, s.last_seen_at, s.heartbeat_seq FROM rustygpt.presence s
      WHERE s.last_seen_at > _since ORDER BY s.last_seen_at DESC LIMIT _limit
    ) AS l ORDER BY l.last_seen_at;
END
$$;
