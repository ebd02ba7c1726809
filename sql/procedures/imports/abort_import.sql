-- End an import of the actor's that has failed; what it had stored is deleted in the background.
CREATE OR REPLACE FUNCTION rustygpt.abort_import(
  _actor uuid, _import_id uuid, _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.lock_import(_actor, _import_id, _now);
  PERFORM rustygpt.drop_import(_import_id, _now);
END
$$;
