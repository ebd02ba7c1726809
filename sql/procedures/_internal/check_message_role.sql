-- Who may write as what: only a conversation's administrators as `system`, nobody as `assistant`.
CREATE OR REPLACE FUNCTION rustygpt.check_message_role(_role text, _actor_role text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF _role = 'assistant' THEN
    PERFORM rustygpt.raise_error('RG403', 'Nobody writes as the assistant but the assistant.');
  ELSIF _role <> 'user' AND rustygpt.role_rank(_actor_role) < rustygpt.role_rank('admin') THEN
    PERFORM rustygpt.raise_error('RG403',
      'Only an administrator of this conversation writes with this role.');
  END IF;
END
$$;
