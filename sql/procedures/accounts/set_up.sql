-- Create the first administrator. Needs no account. Raises RG409 if an account exists; of
-- concurrent calls one succeeds.
CREATE OR REPLACE FUNCTION rustygpt.set_up(
  _id uuid, _username text, _email text, _password_hash text, _display_name text,
  _username_skeletons text[], _display_skeletons text[], _now timestamptz
) RETURNS TABLE (id uuid, email text, username text, roles text[], display_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM pg_advisory_xact_lock(hashtextextended('rustygpt.set_up', 0));
  IF EXISTS (SELECT 1 FROM rustygpt.users) THEN
    PERFORM rustygpt.raise_error('RG409', 'This server is set up already; log in instead.');
  END IF;
  PERFORM rustygpt.insert_user(_id, _username, _email, _password_hash, _display_name,
    _username_skeletons, _display_skeletons, ARRAY['admin', 'member'], _now);
  PERFORM rustygpt.audit('server.set_up', _id, 'account', _id);
  RETURN QUERY SELECT u.id, u.email, u.username, u.roles, u.display_name
    FROM rustygpt.users u WHERE u.id = _id;
END
$$;
