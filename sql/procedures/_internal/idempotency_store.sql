-- Keep the answer to a request with a key; without a key nothing is kept.
CREATE OR REPLACE FUNCTION rustygpt.idempotency_store(
  _actor uuid, _key text, _body_hash bytea, _answer json, _now timestamptz
) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO rustygpt.idempotency (user_id, key, body_hash, answer, created_at)
  SELECT _actor, _key, _body_hash, _answer, _now WHERE _key IS NOT NULL
  ON CONFLICT (user_id, key) DO UPDATE SET body_hash = excluded.body_hash,
    answer = excluded.answer, created_at = excluded.created_at
$$;
