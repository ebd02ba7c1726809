-- Delete an assignment: its routes get the next pattern's profile, or the default one. For global
-- administrators. Raises RG404 for an unknown assignment.
CREATE OR REPLACE FUNCTION rustygpt.delete_limit_assignment(_actor uuid, _id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _assignment rustygpt.limit_assignments;
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  DELETE FROM rustygpt.limit_assignments a WHERE a.id = _id
  RETURNING * INTO _assignment;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such assignment.');
  END IF;
  PERFORM rustygpt.audit('limit_assignment.deleted', _actor, 'limit_assignment', _id,
    _target_name => _assignment.method || ' ' || _assignment.path_pattern);
  PERFORM rustygpt.log_access_changes('limits_changed', _actor);
END
$$;
