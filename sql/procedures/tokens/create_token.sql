-- Create a personal token of the actor. Raises RG409 if the actor has `_max_tokens` that have not
-- expired, or if the idempotency key was used before. Locks the row of the account, so that
-- concurrent requests count each other.
CREATE OR REPLACE FUNCTION rustygpt.create_token(
  _actor uuid, _id uuid, _token_hash bytea, _name text, _scopes text[], _expires_at timestamptz,
  _max_tokens integer, _key text, _body_hash bytea, _now timestamptz
) RETURNS TABLE (id uuid, name text, scopes text[], created_at timestamptz,
  expires_at timestamptz, last_used_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  PERFORM rustygpt.idempotency_claim(_actor, _key, _body_hash, _now);
  PERFORM 1 FROM rustygpt.users u WHERE u.id = _actor AND u.disabled_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
  IF (SELECT count(*) FROM rustygpt.personal_tokens t WHERE t.user_id = _actor
    AND (t.expires_at IS NULL OR t.expires_at > _now)) >= _max_tokens
  THEN
    PERFORM rustygpt.raise_error('RG409', format(
      'You have %s tokens, which is the maximum; revoke one first.', _max_tokens));
  END IF;
  PERFORM rustygpt.audit('token.created', _actor, 'token', _id,
    _details => json_build_object('scopes', _scopes, 'expires_at', rustygpt.rfc3339(_expires_at)));
  RETURN QUERY INSERT INTO rustygpt.personal_tokens AS t (id, user_id, token_hash, name, scopes,
      created_at, expires_at)
    VALUES (_id, _actor, _token_hash, _name,
      ARRAY(SELECT DISTINCT s FROM unnest(_scopes) AS s ORDER BY s), _now, _expires_at)
    RETURNING t.id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at;
END
$$;
