-- What requests with one key of one person lock, so that they wait for each other.
CREATE OR REPLACE FUNCTION rustygpt.idempotency_lock_id(_actor uuid, _key text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(_actor::text || ' ' || _key, 0)
$$;
