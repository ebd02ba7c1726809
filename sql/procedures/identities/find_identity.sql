-- The account of an identity, or no row; records the use, and what the provider calls it now. For the
-- system.
CREATE OR REPLACE FUNCTION rustygpt.find_identity(
  _issuer text, _subject text, _label text, _now timestamptz
) RETURNS TABLE (user_id uuid, username text, password_hash text, disabled boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY UPDATE rustygpt.identities i
    SET last_used_at = _now, label = COALESCE(_label, i.label)
    FROM rustygpt.users u
    WHERE i.issuer = _issuer AND i.subject = _subject AND u.id = i.user_id
    RETURNING u.id, u.username, u.password_hash, u.disabled_at IS NOT NULL;
END
$$;
