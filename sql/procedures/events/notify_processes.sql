-- Send packets to the other server processes with NOTIFY, in the given order, on a secret channel.
-- For the system. It must not run in a transaction that writes: NOTIFY holds a lock that all
-- commits need.
CREATE OR REPLACE FUNCTION rustygpt.notify_processes(_channel text, _packets text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _packet text;
BEGIN
  FOREACH _packet IN ARRAY _packets LOOP
    PERFORM pg_catalog.pg_notify(_channel, _packet);
  END LOOP;
END
$$;
