-- Store the response to a request with an idempotency key; does nothing if the key is NULL.
CREATE OR REPLACE FUNCTION rustygpt.idempotency_store(
  _actor uuid, _key text, _body_hash bytea, _response json, _now timestamptz
) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO rustygpt.idempotency (user_id, key, body_hash, response, created_at)
  SELECT _actor, _key, _body_hash, _response, _now WHERE _key IS NOT NULL
  ON CONFLICT (user_id, key) DO UPDATE SET body_hash = excluded.body_hash,
    response = excluded.response, created_at = excluded.created_at
$$;
