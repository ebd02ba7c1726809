-- Returns user and session of a token, or the user name and the reason why the token is not valid: `unknown`,
-- `expired`, `superseded` (rotated, and its grace period is over) or `disabled` (the account is
-- disabled). Extends the idle expiry, at most once per minute and never beyond the absolute expiry.
-- It is not `cacheable` while the account's password is being changed, see bypass_caches. Where the
-- transaction is read-only (a standby, or default_transaction_read_only), the expiry
-- stays as it is. The same holds when another transaction has locked the session's row, because the
-- statement checks other tokens too and must not wait.
CREATE OR REPLACE FUNCTION rustygpt.check_token(
  _token_hash bytea, _idle_seconds integer, _now timestamptz
) RETURNS TABLE (reason text, user_id uuid, email text, username text, roles text[],
  display_name text, id uuid, issued_at timestamptz, expires_at timestamptz,
  absolute_expires_at timestamptz, superseded boolean, rotate_due boolean, cacheable boolean,
  generation integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _token rustygpt.session_tokens;
  _session rustygpt.sessions;
  _extended rustygpt.sessions;
  _user rustygpt.users;
  _reason text;
  _rotate_due boolean;
  _writable boolean := current_setting('transaction_read_only') = 'off';
BEGIN
  SELECT * INTO _token FROM rustygpt.session_tokens t WHERE t.token_hash = _token_hash;
  SELECT * INTO _session FROM rustygpt.sessions s WHERE s.id = _token.session_id;
  SELECT * INTO _user FROM rustygpt.users u WHERE u.id = _session.user_id;
  _reason := CASE
    WHEN _user.id IS NULL THEN 'unknown'
    WHEN _token.valid_until <= _now THEN 'superseded'
    WHEN LEAST(_session.expires_at, _session.absolute_expires_at) <= _now THEN 'expired'
    WHEN _user.disabled_at IS NOT NULL THEN 'disabled' END;
  IF _reason IS NOT NULL THEN
    reason := _reason;
    username := _user.username;
    RETURN NEXT;
    RETURN;
  END IF;
  _rotate_due := _writable AND _token.valid_until IS NULL AND (_session.rotation_due
    OR (_session.expires_at < _session.absolute_expires_at
      AND _session.expires_at - _now < make_interval(secs => _idle_seconds) / 2));
  IF _writable AND NOT _rotate_due AND _now >= _session.last_seen_at + interval '1 minute' THEN
    UPDATE rustygpt.sessions s SET last_seen_at = _now,
      expires_at = LEAST(_now + make_interval(secs => _idle_seconds), s.absolute_expires_at)
    WHERE s.id = (SELECT o.id FROM rustygpt.sessions o WHERE o.id = _session.id
      FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING * INTO _extended;
    IF FOUND THEN
      _session := _extended;
    END IF;
  END IF;
  RETURN QUERY SELECT NULL::text, _user.id, _user.email, _user.username, _user.roles,
    _user.display_name, _session.id, _session.issued_at, _session.expires_at,
    _session.absolute_expires_at, _token.valid_until IS NOT NULL, _rotate_due,
    COALESCE(_user.uncached_until <= _now, true), _session.generation;
END
$$;
