-- The actor's identities at other providers, oldest first.
CREATE OR REPLACE FUNCTION rustygpt.list_identities(_actor uuid)
RETURNS TABLE (id uuid, provider text, issuer text, label text, created_at timestamptz,
  last_used_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT i.id, i.provider, i.issuer, i.label, i.created_at, i.last_used_at
    FROM rustygpt.identities i WHERE i.user_id = _actor ORDER BY i.created_at, i.id;
END
$$;
