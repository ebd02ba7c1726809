-- Extend the idle expiry of sessions with open streams, and record the use of personal tokens with
-- open streams, at most once per minute each; returns the sessions that have not expired. Skips rows
-- that another transaction has locked. For the system.
CREATE OR REPLACE FUNCTION rustygpt.touch_sessions(
  _session_ids uuid[], _idle_seconds integer, _now timestamptz
) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  UPDATE rustygpt.sessions s SET last_seen_at = _now,
    expires_at = LEAST(_now + make_interval(secs => _idle_seconds), s.absolute_expires_at)
  WHERE s.id IN (SELECT o.id FROM rustygpt.sessions o
    WHERE o.id = ANY (_session_ids) AND o.expires_at > _now
      AND o.last_seen_at <= _now - interval '1 minute' FOR NO KEY UPDATE SKIP LOCKED);
  UPDATE rustygpt.personal_tokens t SET last_used_at = _now
  WHERE t.id IN (SELECT o.id FROM rustygpt.personal_tokens o
    WHERE o.id = ANY (_session_ids) AND (o.expires_at IS NULL OR o.expires_at > _now)
      AND (o.last_used_at IS NULL OR o.last_used_at <= _now - interval '1 minute')
    FOR NO KEY UPDATE SKIP LOCKED);
  RETURN QUERY SELECT s.id FROM rustygpt.sessions s
    WHERE s.id = ANY (_session_ids) AND s.expires_at > _now;
END
$$;
