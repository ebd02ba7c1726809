-- Delete flows that have expired; returns how many. For the system.
CREATE OR REPLACE FUNCTION rustygpt.prune_oauth_flows(_now timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.oauth_flows f WHERE f.expires_at <= _now;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
