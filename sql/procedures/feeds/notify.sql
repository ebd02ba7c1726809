-- Tell other processes something, in the order given. For the system; never together with a write,
-- since NOTIFY holds a lock that every commit of the cluster has to wait for.
CREATE OR REPLACE FUNCTION rustygpt.notify(_packets text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _packet text;
BEGIN
  FOREACH _packet IN ARRAY _packets LOOP
    PERFORM pg_catalog.pg_notify('rustygpt', _packet);
  END LOOP;
END
$$;
