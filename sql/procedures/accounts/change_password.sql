-- Keep a new password of one's own. All other sessions end; the kept one is to rotate.
CREATE OR REPLACE FUNCTION rustygpt.change_password(
  _actor uuid, _password_hash text, _keep_session uuid, _now timestamptz
) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _ended uuid[];
BEGIN
  PERFORM rustygpt.act_as(_actor);
  UPDATE rustygpt.users SET password_hash = _password_hash WHERE id = _actor;
  IF NOT FOUND THEN
    PERFORM rustygpt.refuse('RG404', 'There is no such account.');
  END IF;
  WITH gone AS (
    DELETE FROM rustygpt.sessions s WHERE s.user_id = _actor
      AND s.id IS DISTINCT FROM _keep_session RETURNING s.id
  ) SELECT COALESCE(array_agg(id), '{}') INTO _ended FROM gone;
  UPDATE rustygpt.sessions SET rotate_marked = true
  WHERE id = _keep_session AND user_id = _actor AND expires_at > _now;
  PERFORM rustygpt.log_controls('session_ended', _actor, _ended);
  PERFORM rustygpt.log_controls('account_changed', _actor);
  RETURN _ended;
END
$$;
