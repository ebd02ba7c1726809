-- End one import that has not stored anything for too long: its process has died. For the system.
-- Returns 0 when there is none.
CREATE OR REPLACE FUNCTION rustygpt.expire_imports(_now timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _id uuid;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT i.id INTO _id FROM rustygpt.imports i
  WHERE i.valid_until <= _now ORDER BY i.valid_until LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF _id IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM rustygpt.drop_import(_id, _now);
  RETURN 1;
END
$$;
