-- Disable or enable an account, or set its roles or its password; NULL keeps a value. For global
-- administrators. Disabling and a new password end the sessions of the user; other roles require
-- their rotation. Disabling also revokes the user's personal tokens, whose ids are in `ended` too.
-- Raises RG409 for the last administrator who is not disabled.
CREATE OR REPLACE FUNCTION rustygpt.update_user(
  _actor uuid, _user_id uuid, _disabled boolean, _roles text[], _password_hash text,
  _now timestamptz
) RETURNS TABLE (id uuid, email text, username text, roles text[], display_name text,
  created_at timestamptz, disabled_at timestamptz, ended uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _old rustygpt.users;
  _ended uuid[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('rustygpt.update_user', 0));
  PERFORM rustygpt.require_admin(_actor);
  SELECT * INTO _old FROM rustygpt.users u WHERE u.id = _user_id FOR NO KEY UPDATE;
  IF _old.id IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
  IF _roles = '{}' THEN
    PERFORM rustygpt.raise_error('RG422', 'An account needs at least one role.');
  END IF;
  _roles := CASE WHEN _roles IS NULL THEN _old.roles
    ELSE ARRAY(SELECT DISTINCT r FROM unnest(_roles) AS r ORDER BY r) END;
  UPDATE rustygpt.users u SET roles = _roles,
    disabled_at = CASE _disabled WHEN true THEN COALESCE(u.disabled_at, _now)
      WHEN false THEN NULL ELSE u.disabled_at END,
    password_hash = COALESCE(_password_hash, u.password_hash),
    uncached_until = CASE WHEN _password_hash IS NULL THEN u.uncached_until END
  WHERE u.id = _user_id;
  IF NOT EXISTS (
    SELECT 1 FROM rustygpt.users u WHERE 'admin' = ANY (u.roles) AND u.disabled_at IS NULL
  ) THEN
    PERFORM rustygpt.raise_error('RG409',
      'This is the last administrator; name another one before you change this account.');
  END IF;
  IF COALESCE(_disabled, false) OR _password_hash IS NOT NULL THEN
    WITH deleted AS (DELETE FROM rustygpt.sessions s WHERE s.user_id = _user_id RETURNING s.id)
    SELECT COALESCE(array_agg(deleted.id), '{}') INTO _ended FROM deleted;
    DELETE FROM rustygpt.device_logins WHERE user_id = _user_id;
  ELSIF _roles <> _old.roles THEN
    UPDATE rustygpt.sessions SET rotation_due = true WHERE user_id = _user_id;
  END IF;
  IF _disabled THEN
    WITH deleted AS (
      DELETE FROM rustygpt.personal_tokens t WHERE t.user_id = _user_id RETURNING t.id
    ) SELECT _ended || COALESCE(array_agg(deleted.id), '{}') INTO _ended FROM deleted;
  END IF;
  IF _disabled IS NOT NULL AND _disabled <> (_old.disabled_at IS NOT NULL) THEN
    PERFORM rustygpt.audit(CASE WHEN _disabled THEN 'account.disabled' ELSE 'account.enabled' END,
      _actor, 'account', _user_id);
  END IF;
  IF _roles <> _old.roles THEN
    PERFORM rustygpt.audit('account.roles_changed', _actor, 'account', _user_id,
      _details => json_build_object('before', _old.roles, 'roles', _roles));
  END IF;
  IF _password_hash IS NOT NULL THEN
    PERFORM rustygpt.audit('account.password_set', _actor, 'account', _user_id);
  END IF;
  PERFORM rustygpt.log_access_changes(
    CASE WHEN _disabled THEN 'disabled' ELSE 'session_ended' END, _user_id, _ended);
  PERFORM rustygpt.log_access_changes('account_changed', _user_id);
  RETURN QUERY SELECT u.id, u.email, u.username, u.roles, u.display_name, u.created_at,
      u.disabled_at, _ended
    FROM rustygpt.users u WHERE u.id = _user_id;
END
$$;
