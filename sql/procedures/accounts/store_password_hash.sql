-- Store a stronger hash of the actor's present password. Sessions are kept.
CREATE OR REPLACE FUNCTION rustygpt.store_password_hash(_actor uuid, _password_hash text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  UPDATE rustygpt.users SET password_hash = _password_hash WHERE id = _actor;
END
$$;
