-- Remove a participant, or leave. For the participant, and for administrators of the conversation;
-- nobody can remove a participant whose role is above their own. Raises RG409 for the last owner.
CREATE OR REPLACE FUNCTION rustygpt.remove_participant(
  _actor uuid, _conversation_id uuid, _user_id uuid, _now timestamptz
) RETURNS TABLE (event_numbers bigint[], event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _actor_role text;
  _user_role text;
  _logged record;
BEGIN
  IF _actor = _user_id THEN
    PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
    PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _conversation_id FOR NO KEY UPDATE;
    _actor_role := rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  ELSE
    SELECT e.my_role INTO _actor_role
    FROM rustygpt.authorize_write(_actor, _conversation_id, 'admin', 'conversation') AS e;
  END IF;
  SELECT p.role INTO _user_role FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  IF _user_role IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'This person is not in the conversation.');
  ELSIF rustygpt.role_rank(_user_role) > rustygpt.role_rank(_actor_role) THEN
    PERFORM rustygpt.raise_error('RG403',
      'You cannot remove a person whose role is above your own.');
  ELSIF _user_role = 'owner' THEN
    PERFORM rustygpt.check_not_last_owner(_conversation_id, _user_id);
  END IF;
  SELECT * INTO _logged FROM rustygpt.log_events(_conversation_id, ARRAY['membership.changed'],
    ARRAY[rustygpt.membership_json(_conversation_id, _user_id, 'removed', NULL)], _now);
  UPDATE rustygpt.conversations c SET participant_count = c.participant_count - 1
  WHERE c.id = _conversation_id;
  DELETE FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  PERFORM rustygpt.log_access_changes('removed', _user_id,
    _conversation_id => _conversation_id, _event_number => _logged.event_numbers[1]);
  PERFORM rustygpt.audit('participant.removed', _actor, 'account', _user_id, _conversation_id,
    json_build_object('role', _user_role));
  RETURN QUERY SELECT _logged.event_numbers, _logged.event_types, _logged.event_payloads;
END
$$;
