-- Lock the row of an account whose password was checked against a hash: until the commit nobody
-- changes the password. Raises RG401 if the account has another hash now, RG404 for an unknown or
-- disabled account.
CREATE OR REPLACE FUNCTION rustygpt.lock_password(_user_id uuid, _checked_hash text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE _hash text;
BEGIN
  SELECT u.password_hash INTO _hash FROM rustygpt.users u
  WHERE u.id = _user_id AND u.disabled_at IS NULL FOR NO KEY UPDATE;
  IF _hash IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  ELSIF _hash IS DISTINCT FROM _checked_hash THEN
    PERFORM rustygpt.raise_error('RG401', 'The password was changed a moment ago; sign in again.');
  END IF;
END
$$;
