-- The invite of a token. Raises RG404 for an unknown token, RG410 for an invite that was used or
-- revoked, that has expired, or whose creator could not grant its role any more.
CREATE OR REPLACE FUNCTION rustygpt.find_live_invite(_token_hash bytea, _now timestamptz)
RETURNS rustygpt.invites
LANGUAGE plpgsql AS $$
DECLARE _invite rustygpt.invites;
BEGIN
  SELECT * INTO _invite FROM rustygpt.invites i WHERE i.token_hash = _token_hash;
  IF _invite.id IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such invite.');
  END IF;
  CASE rustygpt.invite_state(_invite, _now)
    WHEN 'used' THEN
      PERFORM rustygpt.raise_error('RG410', 'This invite has been used; ask for a new one.');
    WHEN 'revoked' THEN
      PERFORM rustygpt.raise_error('RG410', 'This invite was revoked; ask for a new one.');
    WHEN 'expired' THEN
      PERFORM rustygpt.raise_error('RG410', 'This invite has expired; ask for a new one.');
    ELSE NULL;
  END CASE;
  IF COALESCE(rustygpt.role_rank(rustygpt.role_in(_invite.conversation_id, _invite.created_by)), 0)
    < GREATEST(rustygpt.role_rank(_invite.role), rustygpt.role_rank('admin'))
    OR EXISTS (SELECT 1 FROM rustygpt.users u
      WHERE u.id = _invite.created_by AND 'read_only' = ANY (u.roles))
  THEN
    PERFORM rustygpt.raise_error('RG410',
      'Who made this invite may not invite any more; ask for a new one.');
  END IF;
  RETURN _invite;
END
$$;
