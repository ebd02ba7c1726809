-- The accounts by user name. For global administrators.
CREATE OR REPLACE FUNCTION rustygpt.list_users(_actor uuid, _after text, _limit integer)
RETURNS TABLE (id uuid, email text, username text, roles text[], display_name text,
  created_at timestamptz, disabled_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  -- Not COALESCE in the statement: row-level security lets a generic plan use no index for it.
  _after := COALESCE(lower(_after), '');
  RETURN QUERY SELECT u.id, u.email, u.username, u.roles, u.display_name, u.created_at,
      u.disabled_at
    FROM rustygpt.users u
    WHERE u.username_key > _after
    ORDER BY u.username_key LIMIT _limit;
END
$$;
