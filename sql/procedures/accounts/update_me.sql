-- Change the actor's account. Keys that are absent from the JSON object keep their values; null
-- removes the display name. A change of the e-mail address needs the hash that the current password
-- was checked against; raises RG401 if the account has another one now. An address that another
-- account logs in with is stored like any other, so that nobody learns who has an account here; but
-- it is not the actor's login. Raises RG422 for a display name that looks like another account's user
-- name.
CREATE OR REPLACE FUNCTION rustygpt.update_me(
  _actor uuid, _checked_hash text, _changes jsonb, _display_skeletons text[]
)
RETURNS TABLE (id uuid, email text, username text, roles text[], display_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  IF _changes ? 'email' THEN
    PERFORM rustygpt.lock_password(_actor, _checked_hash);
    UPDATE rustygpt.users u SET email = _changes ->> 'email' WHERE u.id = _actor;
    BEGIN
      UPDATE rustygpt.users u SET email_key = lower(u.email) WHERE u.id = _actor;
    EXCEPTION WHEN unique_violation THEN
      UPDATE rustygpt.users u SET email_key = NULL WHERE u.id = _actor;
    END;
    PERFORM rustygpt.audit('account.email_changed', _actor, 'account', _actor);
  END IF;
  IF _changes ? 'display_name' THEN
    PERFORM rustygpt.claim_names(_actor, NULL, _display_skeletons);
    UPDATE rustygpt.users u SET display_name = _changes ->> 'display_name' WHERE u.id = _actor;
  END IF;
  PERFORM rustygpt.log_access_changes('account_changed', _actor);
  RETURN QUERY SELECT * FROM rustygpt.show_me(_actor);
END
$$;
