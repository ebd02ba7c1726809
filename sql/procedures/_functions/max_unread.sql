-- The largest unread count that is determined; higher ones are reported as this number.
CREATE OR REPLACE FUNCTION rustygpt.max_unread() RETURNS integer
LANGUAGE sql IMMUTABLE AS $$ SELECT 1000 $$;
