-- The actor's personal tokens, newest first; those that expired lately are among them.
CREATE OR REPLACE FUNCTION rustygpt.list_tokens(_actor uuid)
RETURNS TABLE (id uuid, name text, scopes text[], created_at timestamptz,
  expires_at timestamptz, last_used_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT t.id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at
    FROM rustygpt.personal_tokens t WHERE t.user_id = _actor
    ORDER BY t.created_at DESC, t.id DESC;
END
$$;
