-- Tell other processes something, in the order given, on a channel that only they know. For the
-- system; never together with a write, since NOTIFY holds a lock that every commit waits for.
CREATE OR REPLACE FUNCTION rustygpt.notify_processes(_channel text, _packets text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _packet text;
BEGIN
  FOREACH _packet IN ARRAY _packets LOOP
    PERFORM pg_catalog.pg_notify(_channel, _packet);
  END LOOP;
END
$$;
