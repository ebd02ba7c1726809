-- Who may write as what: only a conversation's administrators as `system`, nobody as `assistant`.
CREATE OR REPLACE FUNCTION rustygpt.refuse_claim(_role text, _mine text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF _role = 'assistant' THEN
    PERFORM rustygpt.refuse('RG403', 'Nobody writes as the assistant but the assistant.');
  ELSIF _role <> 'user' AND rustygpt.rank(_mine) < rustygpt.rank('admin') THEN
    PERFORM rustygpt.refuse('RG403',
      'Only an administrator of this conversation writes with this role.');
  END IF;
END
$$;
