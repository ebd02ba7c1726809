-- The actor's account.
CREATE OR REPLACE FUNCTION rustygpt.show_me(_actor uuid)
RETURNS TABLE (id uuid, email text, username text, roles text[], display_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT u.id, u.email, u.username, u.roles, u.display_name
    FROM rustygpt.users u WHERE u.id = _actor;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
END
$$;
