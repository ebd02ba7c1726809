-- Sign a device in as the actor, or deny that; returns what the device calls itself. The first
-- decision holds. Raises RG404 like show_device_login.
CREATE OR REPLACE FUNCTION rustygpt.decide_device_login(
  _actor uuid, _user_code text, _approve boolean, _now timestamptz
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _client_name text;
BEGIN
  PERFORM rustygpt.set_actor_system();
  UPDATE rustygpt.device_logins d SET user_id = _actor, denied = NOT _approve
  WHERE d.user_code = _user_code AND d.user_id IS NULL AND d.expires_at > _now
  RETURNING d.client_name INTO _client_name;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404',
      'There is no such code, or it has expired; check it, or start again at the device.');
  END IF;
  PERFORM rustygpt.audit(CASE WHEN _approve THEN 'device.approved' ELSE 'device.denied' END,
    _actor, 'account', _actor);
  RETURN _client_name;
END
$$;
