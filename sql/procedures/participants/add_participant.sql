-- Add a person, or change the role of one who is there. Administrators of the conversation only;
-- nobody grants a role above the own, or changes somebody who stands above. The same role again
-- does nothing.
CREATE OR REPLACE FUNCTION rustygpt.add_participant(
  _actor uuid, _conversation_id uuid, _user_id uuid, _role text, _now timestamptz
) RETURNS TABLE (event_numbers bigint[], event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _actor_role text;
  _before text;
  _last bigint;
  _action text;
  _logged record;
BEGIN
  SELECT e.my_role, (e.conversation).last_event_number INTO _actor_role, _last
  FROM rustygpt.authorize_write(_actor, _conversation_id, 'admin', 'conversation') AS e;
  SELECT p.role INTO _before FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  IF _before = _role THEN
    RETURN QUERY SELECT '{}'::bigint[], '{}'::text[], '{}'::text[];
    RETURN;
  END IF;
  IF GREATEST(rustygpt.role_rank(_role), rustygpt.role_rank(_before)) > rustygpt.role_rank(_actor_role) THEN
    PERFORM rustygpt.raise_error('RG403', 'Nobody grants or takes a role above the own.');
  END IF;
  IF _before = 'owner' THEN
    PERFORM rustygpt.check_not_last_owner(_conversation_id, _user_id);
  END IF;
  IF _before IS NULL THEN
    PERFORM rustygpt.add_member(_conversation_id, _user_id, _role, _last + 1, _now);
  ELSE
    UPDATE rustygpt.participants p SET role = _role
    WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  END IF;
  _action := CASE WHEN _before IS NULL THEN 'added' ELSE 'role_updated' END;
  SELECT * INTO _logged FROM rustygpt.log_events(_conversation_id, ARRAY['membership.changed'],
    ARRAY[rustygpt.membership_json(_conversation_id, _user_id, _action, _role)], _now);
  PERFORM rustygpt.log_access_changes(_action, _user_id,
    _conversation_id => _conversation_id, _event_number => _logged.event_numbers[1]);
  RETURN QUERY SELECT _logged.event_numbers, _logged.event_types, _logged.event_payloads;
END
$$;
