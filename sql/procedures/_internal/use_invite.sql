-- Use an invite up, and add a user to its conversation. Locks the conversation's row first, so that
-- one of several users who accept an invite at once gets it. As the system. Raises RG404 and RG410
-- like find_live_invite, RG403 for an invite of another e-mail address, RG409 for a participant.
CREATE OR REPLACE FUNCTION rustygpt.use_invite(
  _user_id uuid, _token_hash bytea, _now timestamptz,
  OUT conversation_id uuid, OUT role text,
  OUT event_numbers bigint[], OUT event_types text[], OUT event_payloads text[]
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _invite rustygpt.invites;
  _last_number bigint;
  _logged record;
BEGIN
  SELECT c.last_event_number INTO _last_number FROM rustygpt.conversations c
  WHERE c.id = (SELECT i.conversation_id FROM rustygpt.invites i WHERE i.token_hash = _token_hash)
  FOR NO KEY UPDATE;
  _invite := rustygpt.find_live_invite(_token_hash, _now);
  IF _invite.email IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM rustygpt.users u WHERE u.id = _user_id AND u.email_key = lower(_invite.email)
  ) THEN
    PERFORM rustygpt.raise_error('RG403',
      'This invite is for another e-mail address than that of your account.');
  ELSIF EXISTS (
    SELECT 1 FROM rustygpt.participants p
    WHERE p.conversation_id = _invite.conversation_id AND p.user_id = _user_id
  ) THEN
    PERFORM rustygpt.raise_error('RG409', 'You are in this conversation already.');
  END IF;
  UPDATE rustygpt.invites i SET used_at = _now, used_by = _user_id WHERE i.id = _invite.id;
  PERFORM rustygpt.add_member(_invite.conversation_id, _user_id, _invite.role, _last_number + 1,
    _now);
  SELECT * INTO _logged FROM rustygpt.log_events(_invite.conversation_id,
    ARRAY['membership.changed'], ARRAY[rustygpt.membership_json(
      _invite.conversation_id, _user_id, 'added', _invite.role)], _now);
  PERFORM rustygpt.log_access_changes('added', _user_id,
    _conversation_id => _invite.conversation_id, _event_number => _logged.event_numbers[1]);
  PERFORM rustygpt.audit('invite.accepted', _user_id, 'invite', _invite.id, _invite.conversation_id,
    json_build_object('role', _invite.role, 'invited_by', _invite.created_by));
  conversation_id := _invite.conversation_id;
  role := _invite.role;
  event_numbers := _logged.event_numbers;
  event_types := _logged.event_types;
  event_payloads := _logged.event_payloads;
END
$$;
