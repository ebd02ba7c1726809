-- Let the actor into a conversation to change it: locks the conversation's row first, then looks
-- at the role, so that nobody writes after the removal that the log tells of.
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
      ELSE 'Only an administrator of this conversation may do this.' END);
  END IF;
END
$$;
