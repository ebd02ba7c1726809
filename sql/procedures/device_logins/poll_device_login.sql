-- What has become of a device's login: `pending`, `slow_down` (the device asks too often, and has to
-- wait five seconds longer from now on), `expired` (or unknown), `denied`, or `approved` with the
-- account and its password's hash at this moment, once. A second less than the interval is not too
-- early, as requests take different times. For the system.
CREATE OR REPLACE FUNCTION rustygpt.poll_device_login(_device_hash bytea, _now timestamptz)
RETURNS TABLE (status text, user_id uuid, password_hash text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _login rustygpt.device_logins;
  _hash text;
  _is_early boolean;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT * INTO _login FROM rustygpt.device_logins d WHERE d.device_hash = _device_hash FOR UPDATE;
  IF _login.device_hash IS NULL OR _login.expires_at <= _now THEN
    RETURN QUERY SELECT 'expired', NULL::uuid, NULL::text;
  ELSIF _login.user_id IS NULL THEN
    _is_early := COALESCE(
      _now < _login.polled_at + make_interval(secs => _login.interval_seconds - 1), false);
    UPDATE rustygpt.device_logins d SET polled_at = _now, interval_seconds = LEAST(300,
      d.interval_seconds + CASE WHEN _is_early THEN 5 ELSE 0 END)
    WHERE d.device_hash = _device_hash;
    RETURN QUERY SELECT CASE WHEN _is_early THEN 'slow_down' ELSE 'pending' END, NULL::uuid,
      NULL::text;
  ELSE
    DELETE FROM rustygpt.device_logins d WHERE d.device_hash = _device_hash;
    SELECT u.password_hash INTO _hash FROM rustygpt.users u WHERE u.id = _login.user_id;
    RETURN QUERY SELECT CASE WHEN _login.denied THEN 'denied' ELSE 'approved' END, _login.user_id,
      _hash;
  END IF;
END
$$;
