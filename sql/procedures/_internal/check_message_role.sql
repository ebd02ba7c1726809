-- Check which role the actor may give a message: `system` requires an administrator of the
-- conversation, and `assistant` is always refused.
CREATE OR REPLACE FUNCTION rustygpt.check_message_role(_role text, _actor_role text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF _role = 'assistant' THEN
    PERFORM rustygpt.raise_error('RG403', 'Only the assistant may write with the role assistant.');
  ELSIF _role <> 'user' AND rustygpt.role_rank(_actor_role) < rustygpt.role_rank('admin') THEN
    PERFORM rustygpt.raise_error('RG403',
      'Only an administrator of this conversation may write with this role.');
  END IF;
END
$$;
