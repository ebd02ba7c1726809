-- Let no process cache the checks of an account's tokens until a time, and let those that have cached
-- some drop them. For the system. Raises RG404 for an unknown account.
CREATE OR REPLACE FUNCTION rustygpt.bypass_caches(_user_id uuid, _until timestamptz)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  UPDATE rustygpt.users SET uncached_until = _until WHERE id = _user_id;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
  PERFORM rustygpt.log_access_changes('account_changed', _user_id);
END
$$;
