-- Store a new password hash of the actor. Ends all sessions but `_kept_session_id`, whose token
-- must then be rotated; returns the ended sessions.
CREATE OR REPLACE FUNCTION rustygpt.change_password(
  _actor uuid, _password_hash text, _kept_session_id uuid, _now timestamptz
) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _ended uuid[];
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  UPDATE rustygpt.users SET password_hash = _password_hash WHERE id = _actor;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
  WITH deleted AS (
    DELETE FROM rustygpt.sessions s WHERE s.user_id = _actor
      AND s.id IS DISTINCT FROM _kept_session_id RETURNING s.id
  ) SELECT COALESCE(array_agg(id), '{}') INTO _ended FROM deleted;
  UPDATE rustygpt.sessions SET rotation_due = true
  WHERE id = _kept_session_id AND user_id = _actor AND expires_at > _now;
  PERFORM rustygpt.log_access_changes('session_ended', _actor, _ended);
  PERFORM rustygpt.log_access_changes('account_changed', _actor);
  RETURN _ended;
END
$$;
