-- The id of the advisory lock that serializes requests of one user with one idempotency key.
CREATE OR REPLACE FUNCTION rustygpt.idempotency_lock_id(_actor uuid, _key text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(_actor::text || ' ' || _key, 0)
$$;
