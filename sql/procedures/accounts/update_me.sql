-- Change the actor's account. Keys that are absent from the JSON object keep their values; null
-- removes the display name.
CREATE OR REPLACE FUNCTION rustygpt.update_me(_actor uuid, _changes jsonb)
RETURNS TABLE (id uuid, email text, username text, roles text[], display_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  BEGIN
    UPDATE rustygpt.users u SET
      email = COALESCE(_changes ->> 'email', u.email),
      email_key = lower(COALESCE(_changes ->> 'email', u.email)),
      display_name = CASE WHEN _changes ? 'display_name' THEN _changes ->> 'display_name'
        ELSE u.display_name END
    WHERE u.id = _actor;
  EXCEPTION WHEN unique_violation THEN
    PERFORM rustygpt.raise_error('RG409', 'This e-mail address is taken.');
  END;
  PERFORM rustygpt.log_access_changes('account_changed', _actor);
  RETURN QUERY SELECT * FROM rustygpt.show_me(_actor);
END
$$;
