-- Restore a deleted message with the text that it had. For administrators of the conversation, and for
-- its author (of an answer: the user who asked) unless somebody else deleted it. Does nothing if it is
-- not deleted. Raises RG410 if the retention has deleted the text.
CREATE OR REPLACE FUNCTION rustygpt.restore_message(
  _actor uuid, _message_id uuid, _now timestamptz
) RETURNS TABLE (conversation_id uuid, event_numbers bigint[], event_types text[],
  event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _access record;
  _message rustygpt.messages;
  _conversation rustygpt.conversations;
  _revision rustygpt.revisions;
BEGIN
  SELECT * INTO _access FROM rustygpt.authorize_message_change(_actor, _message_id);
  _message := _access.message;
  _conversation := _access.conversation;
  IF _message.deleted_at IS NULL THEN
    RETURN QUERY SELECT _conversation.id, '{}'::bigint[], '{}'::text[], '{}'::text[];
    RETURN;
  ELSIF _message.deleted_by <> _actor
    AND rustygpt.role_rank(_access.my_role) < rustygpt.role_rank('admin')
  THEN
    PERFORM rustygpt.raise_error('RG403', 'An administrator deleted this message; only an '
      'administrator of this conversation may restore it.');
  END IF;
  DELETE FROM rustygpt.revisions r WHERE r.message_id = _message_id AND r.change = 'deleted'
  RETURNING * INTO _revision;
  IF _revision.message_id IS NULL THEN
    PERFORM rustygpt.raise_error('RG410',
      'The text of this message is not kept any longer, so it cannot be restored.');
  END IF;
  UPDATE rustygpt.messages m SET content = _revision.content, reasoning = _revision.reasoning,
    deleted_at = NULL, deleted_by = NULL,
    text_events = m.text_events || (_conversation.last_event_number + 1)
  WHERE m.id = _message_id RETURNING * INTO STRICT _message;
  PERFORM rustygpt.audit_message_change('message.restored', _actor, _message);
  RETURN QUERY SELECT _conversation.id, e.*
    FROM rustygpt.log_message_change(_conversation, _message, 'restored', false, _now) AS e;
END
$$;
