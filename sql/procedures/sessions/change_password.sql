-- Replace the hash that was checked by that of a new password, and the token of the session that the
-- change came with by a new one. Every other token of the actor is dead with the commit: those of the
-- other sessions, which end, those of this session that were rotated a moment ago, and those that
-- devices would get. Raises RG401 if the account has another hash now, RG404 if the session has ended.
CREATE OR REPLACE FUNCTION rustygpt.change_password(
  _actor uuid, _checked_hash text, _password_hash text, _session_id uuid, _token_hash bytea,
  _idle_seconds integer, _now timestamptz
) RETURNS TABLE (id uuid, issued_at timestamptz, expires_at timestamptz,
  absolute_expires_at timestamptz, generation integer, ended uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _session rustygpt.sessions;
  _ended uuid[];
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM rustygpt.lock_password(_actor, _checked_hash);
  UPDATE rustygpt.sessions s SET rotation_due = false, last_seen_at = _now,
    generation = s.generation + 1,
    expires_at = LEAST(_now + make_interval(secs => _idle_seconds), s.absolute_expires_at)
  WHERE s.id = _session_id AND s.user_id = _actor
    AND LEAST(s.expires_at, s.absolute_expires_at) > _now
  RETURNING * INTO _session;
  IF _session.id IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'This session has ended; log in again.');
  END IF;
  UPDATE rustygpt.users u SET password_hash = _password_hash, uncached_until = NULL
  WHERE u.id = _actor;
  WITH deleted AS (
    DELETE FROM rustygpt.sessions s WHERE s.user_id = _actor AND s.id <> _session_id RETURNING s.id
  ) SELECT COALESCE(array_agg(deleted.id), '{}') INTO _ended FROM deleted;
  DELETE FROM rustygpt.device_logins d WHERE d.user_id = _actor;
  DELETE FROM rustygpt.session_tokens t WHERE t.session_id = _session_id;
  INSERT INTO rustygpt.session_tokens (token_hash, session_id) VALUES (_token_hash, _session_id);
  PERFORM rustygpt.log_access_changes('session_ended', _actor, _ended);
  PERFORM rustygpt.log_access_changes('password_changed', _actor, ARRAY[_session_id],
    _event_number => _session.generation);
  PERFORM rustygpt.audit('account.password_changed', _actor, 'account', _actor);
  RETURN QUERY SELECT _session.id, _session.issued_at, _session.expires_at,
    _session.absolute_expires_at, _session.generation, _ended;
END
$$;
