-- How many sessions are alive. For the system.
CREATE OR REPLACE FUNCTION rustygpt.count_sessions(_now timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.act_as_system();
  RETURN (SELECT count(*) FROM rustygpt.sessions s WHERE s.expires_at > _now);
END
$$;
