-- The actor's sessions that have not expired, newest first; `current` is true for the one in use.
CREATE OR REPLACE FUNCTION rustygpt.list_sessions(_actor uuid, _current uuid, _now timestamptz)
RETURNS TABLE (id uuid, issued_at timestamptz, expires_at timestamptz,
  absolute_expires_at timestamptz, last_seen_at timestamptz, user_agent text, address text,
  current boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT s.id, s.issued_at, s.expires_at, s.absolute_expires_at, s.last_seen_at,
      s.user_agent, s.address, COALESCE(s.id = _current, false)
    FROM rustygpt.sessions s WHERE s.user_id = _actor AND s.expires_at > _now
    ORDER BY s.issued_at DESC, s.id DESC;
END
$$;
