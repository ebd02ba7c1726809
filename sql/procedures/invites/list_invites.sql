-- A page of a conversation's invites, newest first. For administrators of the conversation.
CREATE OR REPLACE FUNCTION rustygpt.list_invites(
  _actor uuid, _conversation_id uuid, _before timestamptz, _before_id uuid, _limit integer,
  _now timestamptz
) RETURNS TABLE (id uuid, email text, role text, state text, created_by uuid,
  created_at timestamptz, expires_at timestamptz, used_by uuid, used_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF rustygpt.role_rank(rustygpt.authorize_read(_actor, _conversation_id, 'conversation'))
    < rustygpt.role_rank('admin')
  THEN
    PERFORM rustygpt.raise_error('RG403',
      'Only an administrator of this conversation may do this.');
  END IF;
  -- Not COALESCE in the statement: row-level security lets a generic plan use no index for it.
  _before := COALESCE(_before, 'infinity');
  _before_id := COALESCE(_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  RETURN QUERY SELECT i.id, i.email, i.role, rustygpt.invite_state(i, _now), i.created_by,
      i.created_at, i.expires_at, i.used_by, i.used_at
    FROM rustygpt.invites i
    WHERE i.conversation_id = _conversation_id
      AND (i.created_at, i.id) < (_before, _before_id)
    ORDER BY i.created_at DESC, i.id DESC LIMIT _limit;
END
$$;
