-- Delete a message: it keeps its place in the tree, its text becomes a revision that restore_message
-- puts back, and leaves the event log. An answer in progress ends as cancelled. For its author (of an
-- answer: the user who asked) and administrators of the conversation, archived ones included. Does
-- nothing if it is deleted already.
CREATE OR REPLACE FUNCTION rustygpt.delete_message(
  _actor uuid, _message_id uuid, _reason text, _now timestamptz
) RETURNS TABLE (conversation_id uuid, event_numbers bigint[], event_types text[],
  event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _access record;
  _message rustygpt.messages;
  _ended boolean;
BEGIN
  SELECT * INTO _access FROM rustygpt.authorize_message_change(_actor, _message_id);
  _message := _access.message;
  IF _message.deleted_at IS NOT NULL THEN
    RETURN QUERY SELECT _message.conversation_id, '{}'::bigint[], '{}'::text[], '{}'::text[];
    RETURN;
  END IF;
  _ended := _message.streaming;
  IF _ended THEN
    DELETE FROM rustygpt.generations g WHERE g.message_id = _message_id;
    SELECT COALESCE(string_agg(c.content, '' ORDER BY c.idx), '') INTO _message.content
    FROM rustygpt.chunks c WHERE c.message_id = _message_id;
  END IF;
  PERFORM rustygpt.keep_revision(_message, 'deleted', _actor, _reason, _now);
  UPDATE rustygpt.messages m SET content = '', reasoning = NULL, deleted_at = _now,
    deleted_by = _actor, streaming = false,
    finish_reason = CASE WHEN _ended THEN 'cancelled' ELSE m.finish_reason END
  WHERE m.id = _message_id RETURNING * INTO STRICT _message;
  PERFORM rustygpt.audit_message_change('message.deleted', _actor, _message);
  RETURN QUERY SELECT _message.conversation_id, e.* FROM rustygpt.log_message_change(
    _access.conversation, _message, 'deleted', _ended, _now) AS e;
END
$$;
