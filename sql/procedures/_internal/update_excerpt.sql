-- Update the excerpt of a conversation after a change of a message: it is that of its last message,
-- or of the one before if that was deleted. Returns the payload of a conversation.updated event, NULL
-- if the excerpt is the same as before.
CREATE OR REPLACE FUNCTION rustygpt.update_excerpt(
  _conversation rustygpt.conversations, _message rustygpt.messages
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  _last rustygpt.messages;
  _updated rustygpt.conversations;
BEGIN
  IF _message.deleted_at IS NOT NULL THEN
    IF _message.id IS DISTINCT FROM _conversation.last_message_id THEN
      RETURN NULL;
    END IF;
    _last := rustygpt.latest_message(_conversation.id);
  ELSE
    SELECT * INTO _last FROM rustygpt.messages m WHERE m.id = _conversation.last_message_id;
    IF _last.id <> _message.id AND _last.created_event > _message.created_event THEN
      RETURN NULL;
    END IF;
    _last := _message;
  END IF;
  UPDATE rustygpt.conversations c SET last_message_id = _last.id,
    last_message_excerpt = NULLIF(rustygpt.excerpt(_last.content), '')
  WHERE c.id = _conversation.id RETURNING * INTO STRICT _updated;
  IF _updated.last_message_excerpt IS NOT DISTINCT FROM _conversation.last_message_excerpt THEN
    RETURN NULL;
  END IF;
  RETURN rustygpt.conversation_json(_updated);
END
$$;
