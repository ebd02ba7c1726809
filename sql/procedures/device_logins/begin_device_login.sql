-- Store a login of a device. For the system. Raises RG409 if another one has the user code.
CREATE OR REPLACE FUNCTION rustygpt.begin_device_login(
  _device_hash bytea, _user_code text, _client_name text, _address text,
  _interval_seconds integer, _expires_at timestamptz, _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  INSERT INTO rustygpt.device_logins (device_hash, user_code, client_name, address, created_at,
    expires_at, interval_seconds)
  VALUES (_device_hash, _user_code, _client_name, _address, _now, _expires_at, _interval_seconds);
EXCEPTION WHEN unique_violation THEN
  PERFORM rustygpt.raise_error('RG409', 'Another device has this code.');
END
$$;
