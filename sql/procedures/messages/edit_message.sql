-- Replace the text of a message; the earlier one becomes a revision. For its author (of an answer: the
-- user who asked) and administrators of the conversation. Logs no event if the text is the same. Raises
-- RG409 for a deleted message, an answer in progress and an archived conversation. An edit neither
-- starts an answer nor changes one, and makes nothing unread.
CREATE OR REPLACE FUNCTION rustygpt.edit_message(
  _actor uuid, _message_id uuid, _content text, _reason text, _now timestamptz
) RETURNS TABLE (conversation_id uuid, event_numbers bigint[], event_types text[],
  event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _access record;
  _message rustygpt.messages;
  _conversation rustygpt.conversations;
BEGIN
  SELECT * INTO _access FROM rustygpt.authorize_message_change(_actor, _message_id);
  _message := _access.message;
  _conversation := _access.conversation;
  PERFORM rustygpt.check_not_archived(_conversation);
  IF _message.deleted_at IS NOT NULL THEN
    PERFORM rustygpt.raise_error('RG409', 'This message is deleted; restore it before you edit it.');
  ELSIF _message.streaming THEN
    PERFORM rustygpt.raise_error('RG409',
      'This answer is still being written; wait for its end, or stop it.');
  ELSIF _message.content = _content THEN
    RETURN QUERY SELECT _conversation.id, '{}'::bigint[], '{}'::text[], '{}'::text[];
    RETURN;
  END IF;
  PERFORM rustygpt.keep_revision(_message, 'edited', _actor, _reason, _now);
  UPDATE rustygpt.messages m SET content = _content, edited_at = _now,
    text_events = m.text_events || (_conversation.last_event_number + 1)
  WHERE m.id = _message_id RETURNING * INTO STRICT _message;
  PERFORM rustygpt.audit_message_change('message.edited', _actor, _message);
  RETURN QUERY SELECT _conversation.id, e.*
    FROM rustygpt.log_message_change(_conversation, _message, 'edited', false, _now) AS e;
END
$$;
