-- End an answer that this runner still has, and log it: the final text, the end, what went wrong,
-- and the thread's activity. Without a text, that of its stored pieces is taken.
CREATE OR REPLACE FUNCTION rustygpt.close_answer(
  _message_id uuid, _runner text, _content text, _reasoning text, _finish_reason text,
  _usage json, _error_code text, _error_message text, _now timestamptz,
  OUT event_numbers bigint[], OUT event_types text[], OUT event_payloads text[]
)
LANGUAGE plpgsql AS $$
DECLARE
  _room uuid := rustygpt.room_of(_message_id);
  _m rustygpt.messages;
  _t rustygpt.threads;
  _chunks integer;
  _pieces text;
BEGIN
  PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _room FOR NO KEY UPDATE;
  DELETE FROM rustygpt.generations g WHERE g.message_id = _message_id AND g.runner = _runner;
  IF NOT FOUND THEN
    SELECT '{}', '{}', '{}' INTO event_numbers, event_types, event_payloads;
    RETURN;
  END IF;
  SELECT count(*), string_agg(k.content, '' ORDER BY k.idx) INTO _chunks, _pieces
  FROM rustygpt.chunks k WHERE k.message_id = _message_id;
  UPDATE rustygpt.messages m SET content = COALESCE(_content, _pieces, ''),
    reasoning = _reasoning, finish_reason = _finish_reason, usage = _usage, streaming = false
  WHERE m.id = _message_id RETURNING * INTO STRICT _m;
  UPDATE rustygpt.threads t SET last_activity_at = GREATEST(t.last_activity_at, _now)
  WHERE t.root_id = _m.root_id RETURNING * INTO STRICT _t;
  event_types := ARRAY['message.updated', 'message.done'];
  event_payloads := ARRAY[rustygpt.message_json(_m), rustygpt.done_json(_m, _chunks)];
  IF _error_code IS NOT NULL THEN
    event_types := event_types || 'error'::text;
    event_payloads := event_payloads || json_build_object('code', _error_code,
      'message', COALESCE(_error_message, ''), 'message_id', _message_id)::text;
  END IF;
  SELECT * INTO event_numbers, event_types, event_payloads FROM rustygpt.log_events(
    _room, event_types || 'thread.activity'::text, event_payloads || rustygpt.activity_json(_t),
    _now, true, NULLIF(rustygpt.excerpt(_m.content), ''));
END
$$;
