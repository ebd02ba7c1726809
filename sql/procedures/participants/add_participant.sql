-- Add a participant, or change the role of one. For administrators of the conversation; nobody can
-- grant a role above their own, or change a participant whose role is above their own. Does nothing
-- if the participant has this role already.
CREATE OR REPLACE FUNCTION rustygpt.add_participant(
  _actor uuid, _conversation_id uuid, _user_id uuid, _role text, _now timestamptz
) RETURNS TABLE (event_numbers bigint[], event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _actor_role text;
  _old_role text;
  _last_number bigint;
  _action text;
  _logged record;
BEGIN
  SELECT e.my_role, (e.conversation).last_event_number INTO _actor_role, _last_number
  FROM rustygpt.authorize_write(_actor, _conversation_id, 'admin', 'conversation') AS e;
  SELECT p.role INTO _old_role FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  IF _old_role = _role THEN
    RETURN QUERY SELECT '{}'::bigint[], '{}'::text[], '{}'::text[];
    RETURN;
  END IF;
  IF GREATEST(rustygpt.role_rank(_role), rustygpt.role_rank(_old_role))
    > rustygpt.role_rank(_actor_role)
  THEN
    PERFORM rustygpt.raise_error('RG403', 'You cannot grant or change a role above your own.');
  END IF;
  IF _old_role = 'owner' THEN
    PERFORM rustygpt.check_not_last_owner(_conversation_id, _user_id);
  END IF;
  IF _old_role IS NULL THEN
    PERFORM rustygpt.add_member(_conversation_id, _user_id, _role, _last_number + 1, _now);
  ELSE
    UPDATE rustygpt.participants p SET role = _role
    WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  END IF;
  _action := CASE WHEN _old_role IS NULL THEN 'added' ELSE 'role_updated' END;
  SELECT * INTO _logged FROM rustygpt.log_events(_conversation_id, ARRAY['membership.changed'],
    ARRAY[rustygpt.membership_json(_conversation_id, _user_id, _action, _role)], _now);
  PERFORM rustygpt.log_access_changes(_action, _user_id,
    _conversation_id => _conversation_id, _event_number => _logged.event_numbers[1]);
  PERFORM rustygpt.audit(
    CASE _action WHEN 'added' THEN 'participant.added' ELSE 'participant.role_changed' END, _actor,
    'account', _user_id, _conversation_id,
    json_strip_nulls(json_build_object('before', _old_role, 'role', _role)));
  RETURN QUERY SELECT _logged.event_numbers, _logged.event_types, _logged.event_payloads;
END
$$;
