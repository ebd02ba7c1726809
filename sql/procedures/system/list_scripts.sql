-- The names of the applied scripts, for the readiness check. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_scripts() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
  SELECT l.script FROM rustygpt.applied_scripts l
$$;
