-- Does nothing; shows that the database responds.
CREATE OR REPLACE FUNCTION rustygpt.ping() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$ SELECT $$;
