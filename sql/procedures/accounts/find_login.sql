-- What a log-in is checked against, by e-mail address or user name. For the system.
-- An address wins over a user name, and has an @ that no user name has.
CREATE OR REPLACE FUNCTION rustygpt.find_login(_name text)
RETURNS TABLE (user_id uuid, password_hash text, disabled boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT u.id, u.password_hash, u.disabled_at IS NOT NULL FROM rustygpt.users u
    WHERE u.email_key = lower(_name) OR u.username_key = lower(_name)
    ORDER BY u.email_key = lower(_name) DESC LIMIT 1;
END
$$;
