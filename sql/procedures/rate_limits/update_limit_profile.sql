-- Change a profile of a rate limit. For global administrators. Keys that are absent from the JSON
-- object keep their values; a null rate is that of the settings, which only a built-in profile with
-- settings has (RG422 otherwise). Raises RG404 for an unknown profile.
CREATE OR REPLACE FUNCTION rustygpt.update_limit_profile(
  _actor uuid, _id uuid, _changes jsonb, _now timestamptz
) RETURNS TABLE (id uuid, name text, algorithm text, requests_per_second double precision, burst integer,
  description text, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _profile rustygpt.limit_profiles;
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  SELECT * INTO _profile FROM rustygpt.limit_profiles p WHERE p.id = _id FOR NO KEY UPDATE;
  IF _profile.id IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such profile.');
  ELSIF _changes -> 'params' = 'null' AND _profile.name NOT IN ('default', 'auth.login') THEN
    PERFORM rustygpt.raise_error('RG422', 'params: only default and auth.login have settings');
  END IF;
  UPDATE rustygpt.limit_profiles p SET updated_at = _now,
    requests_per_second = CASE WHEN _changes ? 'params'
      THEN (_changes #>> '{params,requests_per_second}')::double precision
      ELSE p.requests_per_second END,
    burst = CASE WHEN _changes ? 'params'
      THEN (_changes #>> '{params,burst}')::integer ELSE p.burst END,
    description = CASE WHEN _changes ? 'description'
      THEN _changes ->> 'description' ELSE p.description END
  WHERE p.id = _id;
  PERFORM rustygpt.log_access_changes('limits_changed', _actor);
  PERFORM rustygpt.audit('limit_profile.updated', _actor, 'limit_profile', _id,
    _details => (_changes -> 'params')::json, _target_name => _profile.name);
  RETURN QUERY SELECT p.id, p.name, p.algorithm, p.requests_per_second, p.burst, p.description,
      p.created_at, p.updated_at
    FROM rustygpt.limit_profiles p WHERE p.id = _id;
END
$$;
