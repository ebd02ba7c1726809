-- Raises RG404 or RG410 if the invite of a token cannot be used, RG403 if it is for another e-mail
-- address. For the system, before a password is hashed.
CREATE OR REPLACE FUNCTION rustygpt.check_invite(
  _token_hash bytea, _email text, _now timestamptz
) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _invite rustygpt.invites;
BEGIN
  PERFORM rustygpt.set_actor_system();
  _invite := rustygpt.find_live_invite(_token_hash, _now);
  IF lower(_invite.email) <> lower(_email) THEN
    PERFORM rustygpt.raise_error('RG403', 'This invite is for another e-mail address.');
  END IF;
END
$$;
