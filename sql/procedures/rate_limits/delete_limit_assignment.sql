-- Delete an assignment: its routes get the next pattern's profile, or the default one. For global
-- administrators. Raises RG404 for an unknown assignment.
CREATE OR REPLACE FUNCTION rustygpt.delete_limit_assignment(_actor uuid, _id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  DELETE FROM rustygpt.limit_assignments a WHERE a.id = _id;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such assignment.');
  END IF;
  PERFORM rustygpt.log_access_changes('limits_changed', _actor);
END
$$;
