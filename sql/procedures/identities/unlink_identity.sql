-- Let the actor sign in by an identity no longer; returns its provider. Raises RG404 for an unknown
-- identity and for one of another user, RG409 for the last one of an account without a password,
-- which nobody could sign in to any more.
CREATE OR REPLACE FUNCTION rustygpt.unlink_identity(_actor uuid, _identity_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _hash text;
  _provider text;
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  SELECT u.password_hash INTO _hash FROM rustygpt.users u WHERE u.id = _actor FOR NO KEY UPDATE;
  DELETE FROM rustygpt.identities i WHERE i.id = _identity_id AND i.user_id = _actor
  RETURNING i.provider INTO _provider;
  IF _provider IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such linked account.');
  ELSIF _hash = '' AND NOT EXISTS (
    SELECT 1 FROM rustygpt.identities i WHERE i.user_id = _actor
  ) THEN
    PERFORM rustygpt.raise_error('RG409',
      'Nothing else signs you in; set a password or link another account first.');
  END IF;
  PERFORM rustygpt.audit('identity.unlinked', _actor, 'account', _actor,
    _details => json_build_object('provider', _provider));
  RETURN _provider;
END
$$;
