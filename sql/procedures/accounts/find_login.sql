-- The account that a login refers to, by e-mail address or user name without regard to case. For
-- the system. An e-mail address contains an @, which no user name does.
CREATE OR REPLACE FUNCTION rustygpt.find_login(_name text)
RETURNS TABLE (user_id uuid, username text, password_hash text, disabled boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT u.id, u.username, u.password_hash, u.disabled_at IS NOT NULL FROM rustygpt.users u
    WHERE u.email_key = lower(_name) OR u.username_key = lower(_name)
    ORDER BY u.email_key = lower(_name) DESC LIMIT 1;
END
$$;
