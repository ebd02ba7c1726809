-- Create an account. For global administrators. Raises RG409 for a name or an address that is taken,
-- RG422 for a name that looks like another account's.
CREATE OR REPLACE FUNCTION rustygpt.create_user(
  _actor uuid, _id uuid, _username text, _email text, _password_hash text, _display_name text,
  _username_skeletons text[], _display_skeletons text[], _roles text[], _now timestamptz
) RETURNS TABLE (id uuid, email text, username text, roles text[], display_name text,
  created_at timestamptz, disabled_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  PERFORM rustygpt.insert_user(_id, _username, _email, _password_hash, _display_name,
    _username_skeletons, _display_skeletons, _roles, _now);
  PERFORM rustygpt.audit('account.created', _actor, 'account', _id,
    _details => json_build_object('roles', _roles));
  RETURN QUERY SELECT u.id, u.email, u.username, u.roles, u.display_name, u.created_at,
      u.disabled_at
    FROM rustygpt.users u WHERE u.id = _id;
END
$$;
