-- Delete sessions that expired more than 7 days ago; returns how many. For the system.
CREATE OR REPLACE FUNCTION rustygpt.prune_sessions(_now timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.sessions s WHERE s.expires_at < _now - interval '7 days';
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
