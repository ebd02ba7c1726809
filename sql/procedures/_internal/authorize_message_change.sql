-- Authorize the actor to change a message, as authorize_write does for its conversation: the author,
-- or for an answer the user who asked, and administrators of the conversation. Raises RG403 for others.
CREATE OR REPLACE FUNCTION rustygpt.authorize_message_change(
  _actor uuid, _message_id uuid,
  OUT my_role text, OUT conversation rustygpt.conversations, OUT message rustygpt.messages
)
LANGUAGE plpgsql AS $$
DECLARE _access record;
BEGIN
  SELECT * INTO _access FROM rustygpt.authorize_write(
    _actor, rustygpt.conversation_of(_message_id), 'member', 'message');
  my_role := _access.my_role;
  conversation := _access.conversation;
  SELECT * INTO STRICT message FROM rustygpt.messages m WHERE m.id = _message_id;
  IF COALESCE(message.author_user_id, message.requested_by) IS DISTINCT FROM _actor
    AND rustygpt.role_rank(my_role) < rustygpt.role_rank('admin')
  THEN
    PERFORM rustygpt.raise_error('RG403', CASE message.role
      WHEN 'assistant' THEN 'Only the user who requested this answer, or an admin of the '
        'conversation, may change it.'
      ELSE 'Only the author of this message, or an admin of the conversation, may change it.' END);
  END IF;
END
$$;
