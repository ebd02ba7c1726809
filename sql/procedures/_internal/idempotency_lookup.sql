-- The answer to an earlier request with this key, or NULL. Requests with one key wait for each
-- other; the same key with another body is refused. A key is forgotten after 24 hours.
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
  WHERE i.user_id = _actor AND i.key = _key AND i.created_at > _now - interval '24 hours';
  IF _row.body_hash <> _body_hash THEN
    PERFORM rustygpt.raise_error('RG409',
      'This Idempotency-Key came with another request before; use a new one.');
  END IF;
  RETURN _row.answer;
END
$$;
