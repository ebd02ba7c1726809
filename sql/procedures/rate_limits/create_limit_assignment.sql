-- Assign a profile to the routes of a pattern; an assignment of this method and pattern gets the
-- profile instead of its own. For global administrators. Raises RG404 for an unknown profile, RG409
-- beyond 500 assignments.
CREATE OR REPLACE FUNCTION rustygpt.create_limit_assignment(
  _actor uuid, _id uuid, _profile_id uuid, _method text, _path_pattern text, _pattern_key text,
  _now timestamptz
) RETURNS TABLE (id uuid, profile_id uuid, profile_name text, method text, path_pattern text,
  created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  PERFORM pg_advisory_xact_lock(hashtextextended('rustygpt.rate_limits', 0));
  PERFORM 1 FROM rustygpt.limit_profiles p WHERE p.id = _profile_id FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such profile.');
  ELSIF (SELECT count(*) FROM rustygpt.limit_assignments) >= 500 AND NOT EXISTS (
    SELECT 1 FROM rustygpt.limit_assignments a
    WHERE a.method = _method AND a.pattern_key = _pattern_key)
  THEN
    PERFORM rustygpt.raise_error('RG409', 'There are 500 assignments already; delete one first.');
  END IF;
  INSERT INTO rustygpt.limit_assignments AS a (id, profile_id, method, path_pattern, pattern_key,
    created_at, updated_at)
  VALUES (_id, _profile_id, _method, _path_pattern, _pattern_key, _now, _now)
  ON CONFLICT (method, pattern_key) DO UPDATE SET profile_id = excluded.profile_id,
    path_pattern = excluded.path_pattern, updated_at = excluded.updated_at;
  PERFORM rustygpt.log_access_changes('limits_changed', _actor);
  PERFORM rustygpt.audit('limit_assignment.created', _actor, 'limit_assignment', _id,
    _details => json_build_object('profile_id', _profile_id),
    _target_name => _method || ' ' || _path_pattern);
  RETURN QUERY SELECT a.id, a.profile_id, p.name, a.method, a.path_pattern, a.created_at,
      a.updated_at
    FROM rustygpt.limit_assignments a JOIN rustygpt.limit_profiles p ON p.id = a.profile_id
    WHERE a.method = _method AND a.pattern_key = _pattern_key;
END
$$;
