-- Invite to a conversation: the owner of an e-mail address, or with NULL the owner of the token. For
-- administrators of the conversation; nobody can grant a role above their own. Raises RG409 if there
-- is a live invite with the same e-mail address and role, if there are `_max_invites` live ones, or
-- if the idempotency key was used before.
CREATE OR REPLACE FUNCTION rustygpt.create_invite(
  _actor uuid, _conversation_id uuid, _id uuid, _token_hash bytea, _email text, _role text,
  _expires_at timestamptz, _max_invites integer, _key text, _body_hash bytea, _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _actor_role text;
  _live bigint;
  _same bigint;
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  PERFORM rustygpt.idempotency_claim(_actor, _key, _body_hash, _now);
  SELECT e.my_role INTO _actor_role
  FROM rustygpt.authorize_write(_actor, _conversation_id, 'admin', 'conversation') AS e;
  IF rustygpt.role_rank(_role) > rustygpt.role_rank(_actor_role) THEN
    PERFORM rustygpt.raise_error('RG403', 'You cannot grant a role above your own.');
  END IF;
  SELECT count(*), count(*) FILTER (WHERE i.role = _role AND lower(i.email) = lower(_email))
  INTO _live, _same FROM rustygpt.invites i
  WHERE i.conversation_id = _conversation_id AND rustygpt.invite_state(i, _now) = 'live';
  IF _same > 0 THEN
    PERFORM rustygpt.raise_error('RG409',
      'This address has an invite with this role already; revoke it first.');
  ELSIF _live >= _max_invites THEN
    PERFORM rustygpt.raise_error('RG409', format(
      'This conversation has %s open invites, which is the maximum; revoke one first.',
      _max_invites));
  END IF;
  INSERT INTO rustygpt.invites (id, conversation_id, token_hash, email, role, created_by,
    created_at, expires_at)
  VALUES (_id, _conversation_id, _token_hash, _email, _role, _actor, _now, _expires_at);
  PERFORM rustygpt.audit('invite.created', _actor, 'invite', _id, _conversation_id,
    json_strip_nulls(json_build_object('role', _role, 'email', _email)));
END
$$;
