-- Update what shows a message after a change of it (`edited`, `deleted` or `restored`), and log its
-- events: message.updated; message.done if the change ended an answer in progress; thread.activity if
-- the thread's excerpt or its number of messages, which deleted ones are no part of, is another one;
-- conversation.updated if the conversation's excerpt is.
CREATE OR REPLACE FUNCTION rustygpt.log_message_change(
  _conversation rustygpt.conversations, _message rustygpt.messages, _change text,
  _ended boolean, _now timestamptz,
  OUT event_numbers bigint[], OUT event_types text[], OUT event_payloads text[]
)
LANGUAGE plpgsql AS $$
DECLARE
  _thread rustygpt.threads;
  _updated rustygpt.threads;
  _excerpt_event text;
  _types text[] := ARRAY['message.updated'];
  _payloads text[] := ARRAY[rustygpt.message_json(_message, _change)];
BEGIN
  IF _ended THEN
    _types := _types || 'message.done'::text;
    _payloads := _payloads || rustygpt.message_done_json(_message,
      (SELECT count(*)::integer FROM rustygpt.chunks c WHERE c.message_id = _message.id));
  END IF;
  SELECT * INTO STRICT _thread FROM rustygpt.threads t WHERE t.root_id = _message.root_id;
  UPDATE rustygpt.threads t SET
    message_count = t.message_count
      + CASE _change WHEN 'deleted' THEN -1 WHEN 'restored' THEN 1 ELSE 0 END,
    root_excerpt = CASE WHEN _message.parent_id IS NULL
      THEN rustygpt.excerpt(_message.content) ELSE t.root_excerpt END
  WHERE t.root_id = _message.root_id RETURNING * INTO STRICT _updated;
  IF _updated IS DISTINCT FROM _thread THEN
    _types := _types || 'thread.activity'::text;
    _payloads := _payloads || rustygpt.thread_activity_json(_updated);
  END IF;
  _excerpt_event := rustygpt.update_excerpt(_conversation, _message);
  IF _excerpt_event IS NOT NULL THEN
    _types := _types || 'conversation.updated'::text;
    _payloads := _payloads || _excerpt_event;
  END IF;
  IF _change = 'deleted' THEN
    PERFORM rustygpt.redact_events(_message);
  END IF;
  SELECT * INTO event_numbers, event_types, event_payloads
  FROM rustygpt.log_events(_message.conversation_id, _types, _payloads, _now);
END
$$;
