-- End a session of the actor. Raises RG404 for an unknown session and for one of another user.
CREATE OR REPLACE FUNCTION rustygpt.end_session(_actor uuid, _session_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  DELETE FROM rustygpt.sessions s WHERE s.id = _session_id AND s.user_id = _actor;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such session.');
  END IF;
  PERFORM rustygpt.log_access_changes('session_ended', _actor, ARRAY[_session_id]);
  PERFORM rustygpt.audit('session.ended', _actor, 'session', _session_id);
END
$$;
