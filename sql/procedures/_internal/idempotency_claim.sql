-- Use up an idempotency key whose response holds a secret, and is therefore not stored. Raises RG409
-- if the key was used before; does nothing if it is NULL.
CREATE OR REPLACE FUNCTION rustygpt.idempotency_claim(
  _actor uuid, _key text, _body_hash bytea, _now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF rustygpt.idempotency_lookup(_actor, _key, _body_hash, _now) IS NOT NULL THEN
    PERFORM rustygpt.raise_error('RG409', 'A request with this Idempotency-Key has been made '
      'already, and its secret is not kept; revoke what it created, and use a new key.');
  END IF;
  PERFORM rustygpt.idempotency_store(_actor, _key, _body_hash, 'null', _now);
END
$$;
