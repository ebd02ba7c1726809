-- Whether the first administrator exists. Needs no account.
CREATE OR REPLACE FUNCTION rustygpt.is_setup() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN EXISTS (SELECT 1 FROM rustygpt.users);
END
$$;
