-- The result of check_token for each token, in the order of the array. For the system. Never waits
-- for a locked row of a session.
CREATE OR REPLACE FUNCTION rustygpt.authenticate_sessions(
  _token_hashes bytea[], _idle_seconds integer, _now timestamptz
) RETURNS TABLE (ordinal integer, reason text, user_id uuid, email text, username text,
  roles text[], display_name text, id uuid, issued_at timestamptz, expires_at timestamptz,
  absolute_expires_at timestamptz, superseded boolean, rotate_due boolean, cacheable boolean,
  generation integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT h.ordinal::integer, c.*
    FROM unnest(_token_hashes) WITH ORDINALITY AS h (token_hash, ordinal)
      CROSS JOIN LATERAL rustygpt.check_token(h.token_hash, _idle_seconds, _now) AS c
    ORDER BY h.ordinal;
END
$$;
