-- Finishes a restore, in one transaction: sessions end; the log of events is empty and continues with
-- numbers that no client has seen, so that each client loads everything again; and a start accepts the
-- schema. `rustygpt.generation` is the comment that the schema had in the backup. Run as the owner.
DO $finish$
BEGIN
  -- The definitions of the backup have switched it off for their session.
  PERFORM set_config('row_security', 'on', true);
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.sessions;
  DELETE FROM rustygpt.events;
  UPDATE rustygpt.conversations SET last_event_number = last_event_number + 1000000000;
  PERFORM rustygpt.audit('backup.restored', NULL, NULL, NULL);
  EXECUTE format('COMMENT ON SCHEMA rustygpt IS %L', current_setting('rustygpt.generation'));
END
$finish$;
