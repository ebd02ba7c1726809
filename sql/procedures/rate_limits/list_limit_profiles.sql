-- All profiles of rate limits by name. For global administrators.
CREATE OR REPLACE FUNCTION rustygpt.list_limit_profiles(_actor uuid)
RETURNS TABLE (id uuid, name text, algorithm text, requests_per_second double precision, burst integer,
  description text, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  RETURN QUERY SELECT p.id, p.name, p.algorithm, p.requests_per_second, p.burst, p.description,
      p.created_at, p.updated_at
    FROM rustygpt.limit_profiles p ORDER BY p.name;
END
$$;
