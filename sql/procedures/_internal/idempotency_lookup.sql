-- The stored response to an earlier request with the same idempotency key, or NULL. Takes the lock
-- of the key, so that concurrent requests with one key run one after the other. Raises RG409 if the
-- body of the earlier request was a different one.
CREATE OR REPLACE FUNCTION rustygpt.idempotency_lookup(
  _actor uuid, _key text, _body_hash bytea, _now timestamptz
) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE _row rustygpt.idempotency;
BEGIN
  IF _key IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(rustygpt.idempotency_lock_id(_actor, _key));
  SELECT * INTO _row FROM rustygpt.idempotency i
  WHERE i.user_id = _actor AND i.key = _key
    AND i.created_at > _now - rustygpt.idempotency_retention();
  IF _row.body_hash <> _body_hash THEN
    PERFORM rustygpt.raise_error('RG409',
      'This Idempotency-Key was used for a different request; use a new one.');
  END IF;
  RETURN _row.response;
END
$$;
