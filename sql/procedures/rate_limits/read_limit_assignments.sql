-- All assignments of profiles to routes, which each process applies. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_limit_assignments()
RETURNS TABLE (id uuid, profile_id uuid, profile_name text, method text, path_pattern text,
  created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT a.id, a.profile_id, p.name, a.method, a.path_pattern, a.created_at,
      a.updated_at
    FROM rustygpt.limit_assignments a JOIN rustygpt.limit_profiles p ON p.id = a.profile_id
    ORDER BY a.path_pattern, a.method;
END
$$;
