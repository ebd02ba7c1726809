-- Create a profile of a rate limit. For global administrators. Raises RG409 if the name is taken, or
-- beyond 100 profiles.
CREATE OR REPLACE FUNCTION rustygpt.create_limit_profile(
  _actor uuid, _id uuid, _name text, _requests_per_second double precision, _burst integer,
  _description text, _key text, _body_hash bytea, _now timestamptz
) RETURNS TABLE (replayed boolean, id uuid, name text, algorithm text, requests_per_second double precision, burst integer,
  description text, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _replayed boolean;
  _stored json;
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  PERFORM pg_advisory_xact_lock(hashtextextended('rustygpt.rate_limits', 0));
  _stored := rustygpt.idempotency_lookup(_actor, _key, _body_hash, _now);
  _replayed := _stored IS NOT NULL;
  IF _replayed THEN
    RETURN QUERY SELECT true, p.*
      FROM json_to_record(_stored) AS p (id uuid, name text, algorithm text, requests_per_second double precision, burst integer,
  description text, created_at timestamptz, updated_at timestamptz);
    RETURN;
  ELSIF (SELECT count(*) FROM rustygpt.limit_profiles) >= 100 THEN
    PERFORM rustygpt.raise_error('RG409', 'There are 100 profiles already; delete one first.');
  END IF;
  BEGIN
    INSERT INTO rustygpt.limit_profiles (id, name, requests_per_second, burst, description,
      created_at, updated_at)
    VALUES (_id, _name, _requests_per_second, _burst, _description, _now, _now);
  EXCEPTION WHEN unique_violation THEN
    PERFORM rustygpt.raise_error('RG409', 'There is a profile with this name already.');
  END;
  SELECT row_to_json(p) INTO _stored FROM rustygpt.limit_profiles p WHERE p.id = _id;
  PERFORM rustygpt.idempotency_store(_actor, _key, _body_hash, _stored, _now);
  PERFORM rustygpt.log_access_changes('limits_changed', _actor);
  PERFORM rustygpt.audit('limit_profile.created', _actor, 'limit_profile', _id,
    _details => json_build_object('requests_per_second', _requests_per_second, 'burst', _burst),
    _target_name => _name);
  RETURN QUERY SELECT false, p.id, p.name, p.algorithm, p.requests_per_second, p.burst, p.description,
      p.created_at, p.updated_at
    FROM rustygpt.limit_profiles p WHERE p.id = _id;
END
$$;
