-- Replace the token of a session; the old token stays valid for `_grace_seconds`. A second rotation
-- of the same old token within that time changes nothing and returns the same session. For the
-- system. Raises RG404 for an unknown or expired token.
CREATE OR REPLACE FUNCTION rustygpt.rotate_session(
  _old_hash bytea, _new_hash bytea, _grace_seconds integer, _idle_seconds integer,
  _now timestamptz
) RETURNS TABLE (id uuid, issued_at timestamptz, expires_at timestamptz,
  absolute_expires_at timestamptz, rotated boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _session rustygpt.sessions;
  _token rustygpt.session_tokens;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT s.* INTO _session FROM rustygpt.sessions s
    JOIN rustygpt.session_tokens t ON t.session_id = s.id
  WHERE t.token_hash = _old_hash AND LEAST(s.expires_at, s.absolute_expires_at) > _now
  FOR UPDATE OF s;
  SELECT * INTO _token FROM rustygpt.session_tokens t
  WHERE t.token_hash = _old_hash AND (t.valid_until IS NULL OR t.valid_until > _now);
  IF _session.id IS NULL OR _token.session_id IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'This session has ended; log in again.');
  END IF;
  IF _token.valid_until IS NULL THEN
    UPDATE rustygpt.session_tokens t SET valid_until = _now + make_interval(secs => _grace_seconds)
    WHERE t.token_hash = _old_hash;
    DELETE FROM rustygpt.session_tokens t
    WHERE t.session_id = _session.id AND t.valid_until < _now - interval '1 day';
    INSERT INTO rustygpt.session_tokens (token_hash, session_id) VALUES (_new_hash, _session.id);
    UPDATE rustygpt.sessions s SET rotation_due = false, last_seen_at = _now,
      expires_at = LEAST(_now + make_interval(secs => _idle_seconds), s.absolute_expires_at)
    WHERE s.id = _session.id RETURNING * INTO _session;
    PERFORM rustygpt.log_access_changes('session_rotated', _session.user_id, ARRAY[_session.id]);
  END IF;
  RETURN QUERY SELECT _session.id, _session.issued_at, _session.expires_at,
    _session.absolute_expires_at, _token.valid_until IS NULL;
END
$$;
