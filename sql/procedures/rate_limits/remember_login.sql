-- Remember that a user has signed in from an address, until a time: see admit_login. For the system.
CREATE OR REPLACE FUNCTION rustygpt.remember_login(
  _user_id uuid, _address text, _until timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  INSERT INTO rustygpt.limit_cells AS c (key, full_at)
  VALUES (rustygpt.limit_cell_key('known', _user_id::text, _address), _until)
  ON CONFLICT (key) DO UPDATE SET full_at = GREATEST(c.full_at, excluded.full_at);
END
$$;
