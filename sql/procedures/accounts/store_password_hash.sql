-- Store a stronger hash of the actor's present password in place of the hash that was checked; does
-- nothing if the account has another hash now. Sessions are kept.
CREATE OR REPLACE FUNCTION rustygpt.store_password_hash(
  _actor uuid, _checked_hash text, _password_hash text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  UPDATE rustygpt.users SET password_hash = _password_hash
  WHERE id = _actor AND password_hash = _checked_hash;
END
$$;
