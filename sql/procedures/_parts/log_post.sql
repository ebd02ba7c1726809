-- Log what a post tells: a new thread and its messages, or new messages and the thread's activity.
CREATE OR REPLACE FUNCTION rustygpt.log_post(
  _m rustygpt.messages, _a rustygpt.messages, _t rustygpt.threads, _now timestamptz,
  OUT event_numbers bigint[], OUT event_types text[], OUT event_payloads text[]
)
LANGUAGE plpgsql AS $$
DECLARE
  _types text[] := ARRAY['message.new'];
  _payloads text[] := ARRAY[rustygpt.message_json(_m)];
BEGIN
  IF _a.id IS NOT NULL THEN
    _types := _types || 'message.new'::text;
    _payloads := _payloads || rustygpt.message_json(_a);
  END IF;
  IF _m.parent_id IS NULL THEN
    _types := 'thread.new'::text || _types;
    _payloads := rustygpt.thread_json(_t) || _payloads;
  ELSE
    _types := _types || 'thread.activity'::text;
    _payloads := _payloads || rustygpt.activity_json(_t);
  END IF;
  SELECT * INTO event_numbers, event_types, event_payloads FROM rustygpt.log_events(
    _m.conversation_id, _types, _payloads, _now, true, rustygpt.excerpt(_m.content));
END
$$;
