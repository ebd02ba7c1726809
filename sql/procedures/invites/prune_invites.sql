-- Delete invites that were used, were revoked or expired more than 30 days ago; returns how many. For
-- the system.
CREATE OR REPLACE FUNCTION rustygpt.prune_invites(_now timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.invites i
  WHERE LEAST(i.used_at, i.revoked_at, i.expires_at) < _now - interval '30 days';
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
