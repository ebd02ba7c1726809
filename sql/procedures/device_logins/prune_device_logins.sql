-- Delete logins of devices that have expired; returns how many. For the system.
CREATE OR REPLACE FUNCTION rustygpt.prune_device_logins(_now timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.device_logins d WHERE d.expires_at <= _now;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
