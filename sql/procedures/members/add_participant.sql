-- Add a person, or change the role of one who is there. Administrators of the conversation only;
-- nobody grants a role above the own, or changes somebody who stands above. The same role again
-- does nothing.
CREATE OR REPLACE FUNCTION rustygpt.add_participant(
  _actor uuid, _conversation_id uuid, _user_id uuid, _role text, _now timestamptz
) RETURNS TABLE (event_numbers bigint[], event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _mine text;
  _before text;
  _last bigint;
  _action text;
  _told record;
BEGIN
  SELECT e.my_role, (e.room).last_event INTO _mine, _last
  FROM rustygpt.enter_to_write(_actor, _conversation_id, 'admin', 'conversation') AS e;
  SELECT p.role INTO _before FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  IF _before = _role THEN
    RETURN QUERY SELECT '{}'::bigint[], '{}'::text[], '{}'::text[];
    RETURN;
  END IF;
  IF GREATEST(rustygpt.rank(_role), rustygpt.rank(_before)) > rustygpt.rank(_mine) THEN
    PERFORM rustygpt.refuse('RG403', 'Nobody grants or takes a role above the own.');
  END IF;
  IF _before = 'owner' THEN
    PERFORM rustygpt.refuse_last_owner(_conversation_id, _user_id);
  END IF;
  IF _before IS NULL THEN
    PERFORM rustygpt.join_room(_conversation_id, _user_id, _role, _last + 1, _now);
  ELSE
    UPDATE rustygpt.participants p SET role = _role
    WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  END IF;
  _action := CASE WHEN _before IS NULL THEN 'added' ELSE 'role_updated' END;
  SELECT * INTO _told FROM rustygpt.log_events(_conversation_id, ARRAY['membership.changed'],
    ARRAY[rustygpt.membership_json(_conversation_id, _user_id, _action, _role)], _now);
  PERFORM rustygpt.log_controls(_action, _user_id,
    _conversation_id => _conversation_id, _event => _told.event_numbers[1]);
  RETURN QUERY SELECT _told.event_numbers, _told.event_types, _told.event_payloads;
END
$$;
