-- Authorize the actor to change a conversation: locks the row of the conversation, then checks the
-- role, so that a removed participant cannot write after the event of the removal. Sets the actor
-- and the current conversation of the transaction. Raises RG404 for a non-participant, RG403 below
-- `_minimum_role`.
CREATE OR REPLACE FUNCTION rustygpt.authorize_write(
  _actor uuid, _conversation_id uuid, _minimum_role text, _subject text,
  OUT my_role text, OUT conversation rustygpt.conversations
)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('rustygpt.actor', COALESCE(_actor::text, ''), true),
    set_config('rustygpt.conversation', COALESCE(_conversation_id::text, ''), true);
  SELECT * INTO conversation FROM rustygpt.conversations c WHERE c.id = _conversation_id
  FOR NO KEY UPDATE;
  my_role := rustygpt.authorize_read(_actor, _conversation_id, _subject);
  PERFORM rustygpt.check_may_write(_actor);
  IF rustygpt.role_rank(my_role) < rustygpt.role_rank(_minimum_role) THEN
    PERFORM rustygpt.raise_error('RG403', CASE _minimum_role
      WHEN 'member' THEN 'You may read this conversation, but not write in it.'
      WHEN 'owner' THEN 'Only an owner of this conversation may do this.'
      ELSE 'Only an administrator of this conversation may do this.' END);
  END IF;
END
$$;
