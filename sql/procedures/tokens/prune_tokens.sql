-- Delete personal tokens that expired more than 7 days ago; returns how many. For the system.
CREATE OR REPLACE FUNCTION rustygpt.prune_tokens(_now timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.personal_tokens t WHERE t.expires_at < _now - interval '7 days';
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
