-- All assignments of profiles to routes, by pattern. For global administrators.
CREATE OR REPLACE FUNCTION rustygpt.list_limit_assignments(_actor uuid)
RETURNS TABLE (id uuid, profile_id uuid, profile_name text, method text, path_pattern text,
  created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  RETURN QUERY SELECT a.id, a.profile_id, p.name, a.method, a.path_pattern, a.created_at,
      a.updated_at
    FROM rustygpt.limit_assignments a JOIN rustygpt.limit_profiles p ON p.id = a.profile_id
    ORDER BY a.path_pattern, a.method;
END
$$;
