-- Log the events of a post: thread.new and message.new for a root, message.new and thread.activity
-- for a reply; either with the message.new of the answer if one was started.
CREATE OR REPLACE FUNCTION rustygpt.log_post_events(
  _message rustygpt.messages, _answer rustygpt.messages, _thread rustygpt.threads, _now timestamptz,
  OUT event_numbers bigint[], OUT event_types text[], OUT event_payloads text[]
)
LANGUAGE plpgsql AS $$
DECLARE
  _types text[] := ARRAY['message.new'];
  _payloads text[] := ARRAY[rustygpt.message_json(_message)];
BEGIN
  IF _answer.id IS NOT NULL THEN
    _types := _types || 'message.new'::text;
    _payloads := _payloads || rustygpt.message_json(_answer);
  END IF;
  IF _message.parent_id IS NULL THEN
    _types := 'thread.new'::text || _types;
    _payloads := rustygpt.thread_json(_thread) || _payloads;
  ELSE
    _types := _types || 'thread.activity'::text;
    _payloads := _payloads || rustygpt.thread_activity_json(_thread);
  END IF;
  SELECT * INTO event_numbers, event_types, event_payloads FROM rustygpt.log_events(
    _message.conversation_id, _types, _payloads, _now, true, rustygpt.excerpt(_message.content),
    _message.id);
END
$$;
