-- Start a session after a successful login, and end the oldest ones of the user above
-- `_max_sessions`. For the system. Locks the row of the account, so that concurrent logins count
-- each other, and so that a change of the password comes before or after. Raises RG401 if the hash
-- that the login was checked against is no longer the account's.
CREATE OR REPLACE FUNCTION rustygpt.start_session(
  _id uuid, _user_id uuid, _checked_hash text, _token_hash bytea, _user_agent text, _address text,
  _idle_seconds integer, _absolute_seconds integer, _max_sessions integer, _now timestamptz
) RETURNS TABLE (id uuid, issued_at timestamptz, expires_at timestamptz,
  absolute_expires_at timestamptz, ended uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _end timestamptz := _now + make_interval(secs => _absolute_seconds);
  _idle timestamptz := LEAST(_now + make_interval(secs => _idle_seconds), _end);
  _ended uuid[];
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM rustygpt.lock_password(_user_id, _checked_hash);
  INSERT INTO rustygpt.sessions (id, user_id, issued_at, last_seen_at, expires_at,
    absolute_expires_at, user_agent, address)
  VALUES (_id, _user_id, _now, _now, _idle, _end, _user_agent, _address);
  INSERT INTO rustygpt.session_tokens (token_hash, session_id) VALUES (_token_hash, _id);
  WITH deleted AS (
    DELETE FROM rustygpt.sessions s USING (
      SELECT o.id, o.expires_at FROM rustygpt.sessions o WHERE o.user_id = _user_id
      ORDER BY o.expires_at > _now DESC, o.id = _id DESC, o.issued_at DESC, o.id DESC
      OFFSET _max_sessions
    ) AS old WHERE s.id = old.id RETURNING s.id, s.expires_at
  ) SELECT COALESCE(array_agg(deleted.id) FILTER (WHERE deleted.expires_at > _now), '{}')
    INTO _ended FROM deleted;
  PERFORM rustygpt.log_access_changes('session_ended', _user_id, _ended);
  PERFORM rustygpt.audit('session.started', _user_id, 'session', _id);
  RETURN QUERY SELECT _id, _now, _idle, _end, _ended;
END
$$;
