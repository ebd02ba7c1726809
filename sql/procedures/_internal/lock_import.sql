-- Lock the actor's import, and act as the system. Raises RG404 if it has ended.
CREATE OR REPLACE FUNCTION rustygpt.lock_import(_actor uuid, _import_id uuid, _now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM 1 FROM rustygpt.imports i
  WHERE i.id = _import_id AND i.user_id = _actor AND i.valid_until > _now FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'This import has ended; begin it again.');
  END IF;
END
$$;
