-- Revoke a personal token of the actor. Raises RG404 for an unknown token and for one of another
-- user.
CREATE OR REPLACE FUNCTION rustygpt.revoke_token(_actor uuid, _token_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  DELETE FROM rustygpt.personal_tokens t WHERE t.id = _token_id AND t.user_id = _actor;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such token.');
  END IF;
  PERFORM rustygpt.log_access_changes('session_ended', _actor, ARRAY[_token_id]);
  PERFORM rustygpt.audit('token.revoked', _actor, 'token', _token_id);
END
$$;
