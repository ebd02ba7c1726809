-- Each token's user, id, scopes and times, in the order of the array; or the reason why it is not
-- valid (`unknown`, `expired`, `disabled`) with the user name, if there is one. Records the use of
-- the valid ones, at most once per minute each; not for rows that another transaction has locked, and
-- not where the transaction is read-only. For the system.
CREATE OR REPLACE FUNCTION rustygpt.authenticate_tokens(_token_hashes bytea[], _now timestamptz)
RETURNS TABLE (ordinal integer, reason text, user_id uuid, email text, username text,
  roles text[], display_name text, id uuid, scopes text[], expires_at timestamptz,
  last_used_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  IF current_setting('transaction_read_only') = 'off' THEN
    UPDATE rustygpt.personal_tokens t SET last_used_at = _now
    WHERE t.id IN (
      SELECT o.id FROM rustygpt.personal_tokens o JOIN rustygpt.users u ON u.id = o.user_id
      WHERE o.token_hash = ANY (_token_hashes) AND u.disabled_at IS NULL
        AND (o.expires_at IS NULL OR o.expires_at > _now)
        AND (o.last_used_at IS NULL OR o.last_used_at <= _now - interval '1 minute')
      FOR NO KEY UPDATE OF o SKIP LOCKED);
  END IF;
  RETURN QUERY SELECT h.ordinal::integer, CASE
        WHEN t.id IS NULL THEN 'unknown'
        WHEN t.expires_at <= _now THEN 'expired'
        WHEN u.disabled_at IS NOT NULL THEN 'disabled' END,
      u.id, u.email, u.username, u.roles, u.display_name, t.id, t.scopes, t.expires_at,
      t.last_used_at
    FROM unnest(_token_hashes) WITH ORDINALITY AS h (token_hash, ordinal)
      LEFT JOIN rustygpt.personal_tokens t ON t.token_hash = h.token_hash
      LEFT JOIN rustygpt.users u ON u.id = t.user_id
    ORDER BY h.ordinal;
END
$$;
