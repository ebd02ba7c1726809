-- The hash of the actor's password.
CREATE OR REPLACE FUNCTION rustygpt.show_password(_actor uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _hash text;
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  SELECT u.password_hash INTO _hash FROM rustygpt.users u WHERE u.id = _actor;
  IF _hash IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
  RETURN _hash;
END
$$;
