-- Take a person out, or leave. Oneself, or administrators of the conversation; nobody removes
-- somebody who stands above, and the last owner stays.
CREATE OR REPLACE FUNCTION rustygpt.remove_participant(
  _actor uuid, _conversation_id uuid, _user_id uuid, _now timestamptz
) RETURNS TABLE (event_numbers bigint[], event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _mine text;
  _theirs text;
  _told record;
BEGIN
  IF _actor = _user_id THEN
    PERFORM rustygpt.enter(_actor, _conversation_id, 'conversation');
    PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _conversation_id FOR NO KEY UPDATE;
    _mine := rustygpt.enter(_actor, _conversation_id, 'conversation');
  ELSE
    SELECT e.my_role INTO _mine
    FROM rustygpt.enter_to_write(_actor, _conversation_id, 'admin', 'conversation') AS e;
  END IF;
  SELECT p.role INTO _theirs FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  IF _theirs IS NULL THEN
    PERFORM rustygpt.refuse('RG404', 'This person is not in the conversation.');
  ELSIF rustygpt.rank(_theirs) > rustygpt.rank(_mine) THEN
    PERFORM rustygpt.refuse('RG403', 'Nobody removes a person whose role is above the own.');
  ELSIF _theirs = 'owner' THEN
    PERFORM rustygpt.refuse_last_owner(_conversation_id, _user_id);
  END IF;
  SELECT * INTO _told FROM rustygpt.log_events(_conversation_id, ARRAY['membership.changed'],
    ARRAY[rustygpt.membership_json(_conversation_id, _user_id, 'removed', NULL)], _now);
  UPDATE rustygpt.conversations c SET participant_count = c.participant_count - 1
  WHERE c.id = _conversation_id;
  DELETE FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  PERFORM rustygpt.log_controls('removed', _user_id,
    _conversation_id => _conversation_id, _event => _told.event_numbers[1]);
  RETURN QUERY SELECT _told.event_numbers, _told.event_types, _told.event_payloads;
END
$$;
