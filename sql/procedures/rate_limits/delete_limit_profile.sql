-- Delete a profile of a rate limit. For global administrators. Raises RG404 for an unknown profile,
-- RG409 for a built-in or an assigned one.
CREATE OR REPLACE FUNCTION rustygpt.delete_limit_profile(_actor uuid, _id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _profile rustygpt.limit_profiles;
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  SELECT * INTO _profile FROM rustygpt.limit_profiles p WHERE p.id = _id FOR UPDATE;
  IF _profile.id IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such profile.');
  ELSIF _profile.built_in THEN
    PERFORM rustygpt.raise_error('RG409', 'The server needs this profile; change it instead.');
  ELSIF EXISTS (SELECT 1 FROM rustygpt.limit_assignments a WHERE a.profile_id = _id) THEN
    PERFORM rustygpt.raise_error('RG409',
      'This profile is assigned to routes; delete its assignments first.');
  END IF;
  DELETE FROM rustygpt.limit_profiles p WHERE p.id = _id;
  PERFORM rustygpt.audit('limit_profile.deleted', _actor, 'limit_profile', _id,
    _target_name => _profile.name);
  PERFORM rustygpt.log_access_changes('limits_changed', _actor);
END
$$;
