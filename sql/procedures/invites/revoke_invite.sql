-- Revoke an invite, given its id or the hash of its token; one that was revoked or has expired stays
-- as it is. For administrators of the conversation. Raises RG404 for an unknown invite, and one of a
-- conversation that the actor is not in; RG410 for one that was used.
CREATE OR REPLACE FUNCTION rustygpt.revoke_invite(
  _actor uuid, _id uuid, _token_hash bytea, _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _invite rustygpt.invites;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT * INTO _invite FROM rustygpt.invites i
  WHERE i.id = _id OR i.token_hash = _token_hash;
  IF rustygpt.role_in(_invite.conversation_id, _actor) IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such invite.');
  END IF;
  PERFORM rustygpt.authorize_write(_actor, _invite.conversation_id, 'admin', 'conversation');
  SELECT * INTO _invite FROM rustygpt.invites i WHERE i.id = _invite.id;
  IF rustygpt.invite_state(_invite, _now) = 'used' THEN
    PERFORM rustygpt.raise_error('RG410',
      'This invite has been used; remove the participant instead.');
  END IF;
  IF rustygpt.invite_state(_invite, _now) = 'live' THEN
    PERFORM rustygpt.audit('invite.revoked', _actor, 'invite', _invite.id,
      _invite.conversation_id);
  END IF;
  UPDATE rustygpt.invites SET revoked_at = COALESCE(revoked_at, _now) WHERE id = _invite.id;
END
$$;
