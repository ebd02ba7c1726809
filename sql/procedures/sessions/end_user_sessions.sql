-- End all sessions of a user; returns their ids and the user's name. For global administrators. Raises
-- RG404 for an unknown account.
CREATE OR REPLACE FUNCTION rustygpt.end_user_sessions(_actor uuid, _user_id uuid)
RETURNS TABLE (username text, ended uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _username text;
  _ended uuid[];
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  SELECT u.username INTO _username FROM rustygpt.users u WHERE u.id = _user_id
  FOR NO KEY UPDATE;
  IF _username IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
  WITH deleted AS (DELETE FROM rustygpt.sessions s WHERE s.user_id = _user_id RETURNING s.id)
  SELECT COALESCE(array_agg(deleted.id), '{}') INTO _ended FROM deleted;
  DELETE FROM rustygpt.device_logins d WHERE d.user_id = _user_id;
  PERFORM rustygpt.log_access_changes('session_ended', _user_id, _ended);
  PERFORM rustygpt.audit('account.sessions_ended', _actor, 'account', _user_id,
    _details => json_build_object('sessions', cardinality(_ended)));
  RETURN QUERY SELECT _username, _ended;
END
$$;
