-- End an answer that `_instance_id` holds the lease of, and log its events: message.updated with
-- the final text, message.done, error if there is an error code, and thread.activity. Without
-- `_content` the text is that of the stored chunks, and the usage an estimate. Returns empty arrays if
-- this process does not hold the lease. The caller adds the usage to that of the user who asked, after
-- it has locked all conversations (add_answer_usage).
CREATE OR REPLACE FUNCTION rustygpt.end_answer(
  _message_id uuid, _instance_id text, _content text, _reasoning text, _finish_reason text,
  _usage json, _error_code text, _error_message text,
  _omitted_messages integer, _now timestamptz,
  OUT event_numbers bigint[], OUT event_types text[], OUT event_payloads text[]
)
LANGUAGE plpgsql AS $$
DECLARE
  _conversation_id uuid := rustygpt.conversation_of(_message_id);
  _message rustygpt.messages;
  _thread rustygpt.threads;
  _chunk_count integer;
  _text text;
  _last bigint;
BEGIN
  SELECT c.last_event_number INTO _last FROM rustygpt.conversations c
  WHERE c.id = _conversation_id FOR NO KEY UPDATE;
  DELETE FROM rustygpt.generations g
  WHERE g.message_id = _message_id AND g.instance_id = _instance_id;
  IF NOT FOUND THEN
    SELECT '{}', '{}', '{}' INTO event_numbers, event_types, event_payloads;
    RETURN;
  END IF;
  SELECT count(*), string_agg(c.content, '' ORDER BY c.idx) INTO _chunk_count, _text
  FROM rustygpt.chunks c WHERE c.message_id = _message_id;
  UPDATE rustygpt.messages m SET content = COALESCE(_content, _text, ''),
    reasoning = _reasoning, finish_reason = _finish_reason,
    usage = COALESCE(_usage, CASE WHEN _content IS NULL THEN rustygpt.estimated_usage(_text) END),
    omitted_messages = _omitted_messages, streaming = false,
    text_events = m.text_events || (_last + 1),
    error = CASE WHEN _error_code IS NOT NULL THEN json_build_object('code', _error_code,
      'message', COALESCE(_error_message, '')) END
  WHERE m.id = _message_id RETURNING * INTO STRICT _message;
  UPDATE rustygpt.threads t SET last_activity_at = GREATEST(t.last_activity_at, _now)
  WHERE t.root_id = _message.root_id RETURNING * INTO STRICT _thread;
  event_types := ARRAY['message.updated', 'message.done'];
  event_payloads := ARRAY[rustygpt.message_json(_message),
    rustygpt.message_done_json(_message, _chunk_count)];
  IF _error_code IS NOT NULL THEN
    event_types := event_types || 'error'::text;
    event_payloads := event_payloads || json_build_object('code', _error_code,
      'message', COALESCE(_error_message, ''), 'conversation_id', _conversation_id,
      'root_id', _message.root_id, 'message_id', _message_id)::text;
  END IF;
  SELECT * INTO event_numbers, event_types, event_payloads FROM rustygpt.log_events(
    _conversation_id, event_types || 'thread.activity'::text,
    event_payloads || rustygpt.thread_activity_json(_thread), _now, true,
    NULLIF(rustygpt.excerpt(_message.content), ''), _message_id);
END
$$;
