-- Log out: end the session of a token, which may be a rotated one; returns its id, or NULL. For the
-- system.
CREATE OR REPLACE FUNCTION rustygpt.end_session_by_token(_token_hash bytea) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _ended uuid;
  _user_id uuid;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.sessions s USING rustygpt.session_tokens t
  WHERE t.token_hash = _token_hash AND s.id = t.session_id RETURNING s.id, s.user_id
  INTO _ended, _user_id;
  IF FOUND THEN
    PERFORM rustygpt.log_access_changes('session_ended', _user_id, ARRAY[_ended]);
    PERFORM rustygpt.audit('session.ended', _user_id, 'session', _ended);
  END IF;
  RETURN _ended;
END
$$;
