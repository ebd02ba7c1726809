-- Remove the text of a deleted message from the event log: events that had it show the message, the
-- thread's excerpt and the conversation's excerpt as they are now, so that readers of the log do not
-- get the text. A snapshot with the later events still equals a new snapshot, because the
-- events of the deletion come after them all.
CREATE OR REPLACE FUNCTION rustygpt.redact_events(_message rustygpt.messages) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _excerpt jsonb;
BEGIN
  UPDATE rustygpt.events e SET payload = rustygpt.message_json(
    _message, CASE e.type WHEN 'message.updated' THEN 'deleted' END)::json
  WHERE e.conversation_id = _message.conversation_id
    AND e.number = ANY (_message.created_event || _message.text_events)
    AND e.type IN ('message.new', 'message.updated');
  SELECT jsonb_strip_nulls(jsonb_build_object('last_message_excerpt', c.last_message_excerpt))
  INTO _excerpt FROM rustygpt.conversations c WHERE c.id = _message.conversation_id;
  UPDATE rustygpt.events e SET payload =
    (e.payload::jsonb - 'last_message_excerpt' || _excerpt)::json
  WHERE e.conversation_id = _message.conversation_id AND e.type = 'conversation.updated';
  IF _message.parent_id IS NULL THEN
    UPDATE rustygpt.events e SET payload = jsonb_set(e.payload::jsonb, CASE e.type
      WHEN 'thread.new' THEN '{summary,root_excerpt}'::text[] ELSE '{root_excerpt}' END, '""')::json
    WHERE e.conversation_id = _message.conversation_id AND e.number >= _message.created_event - 1
      AND e.type IN ('thread.new', 'thread.activity')
      AND e.payload ->> 'root_id' = _message.id::text;
  END IF;
END
$$;
