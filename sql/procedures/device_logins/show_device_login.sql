-- A login of a device that nobody has decided about, by its user code. For any user who is signed in.
-- Raises RG404 for an unknown code, and for one that was used or has expired.
CREATE OR REPLACE FUNCTION rustygpt.show_device_login(
  _actor uuid, _user_code text, _now timestamptz
) RETURNS TABLE (user_code text, client_name text, address text, created_at timestamptz,
  expires_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT d.user_code, d.client_name, d.address, d.created_at, d.expires_at
    FROM rustygpt.device_logins d
    WHERE d.user_code = _user_code AND d.user_id IS NULL AND d.expires_at > _now;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404',
      'There is no such code, or it has expired; check it, or start again at the device.');
  END IF;
END
$$;
