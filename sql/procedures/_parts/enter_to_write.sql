-- Let the actor into a conversation to change it: locks the conversation's row first, then looks
-- at the role, so that nobody writes after the removal that the log tells of.
CREATE OR REPLACE FUNCTION rustygpt.enter_to_write(
  _actor uuid, _conversation_id uuid, _least text, _what text,
  OUT my_role text, OUT room rustygpt.conversations
)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('rustygpt.actor', COALESCE(_actor::text, ''), true),
    set_config('rustygpt.room', COALESCE(_conversation_id::text, ''), true);
  SELECT * INTO room FROM rustygpt.conversations c WHERE c.id = _conversation_id
  FOR NO KEY UPDATE;
  my_role := rustygpt.enter(_actor, _conversation_id, _what);
  PERFORM rustygpt.refuse_readers(_actor);
  IF rustygpt.rank(my_role) < rustygpt.rank(_least) THEN
    PERFORM rustygpt.refuse('RG403', CASE _least
      WHEN 'member' THEN 'You may read this conversation, but not write in it.'
      ELSE 'Only an administrator of this conversation may do this.' END);
  END IF;
END
$$;
