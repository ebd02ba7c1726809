-- The number of sessions that have not expired. For the system.
CREATE OR REPLACE FUNCTION rustygpt.count_sessions(_now timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN (SELECT count(*) FROM rustygpt.sessions s WHERE s.expires_at > _now);
END
$$;
