-- The 32 random bytes that session tokens are derived with. For the system.
CREATE OR REPLACE FUNCTION rustygpt.token_secret() RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN (SELECT s.value FROM rustygpt.secrets s WHERE s.name = 'session');
END
$$;
