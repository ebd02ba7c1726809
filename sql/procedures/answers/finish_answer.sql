-- End an answer with its complete text, and add its usage to that of the user who asked. For the
-- system. Does nothing if the answer has ended or another process holds its lease.
CREATE OR REPLACE FUNCTION rustygpt.finish_answer(
  _message_id uuid, _instance_id text, _content text, _reasoning text, _finish_reason text,
  _usage json, _error_code text, _error_message text,
  _omitted_messages integer, _now timestamptz
) RETURNS TABLE (conversation_id uuid, event_numbers bigint[], event_types text[],
  event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _logged record;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT * INTO _logged FROM rustygpt.end_answer(
    _message_id, _instance_id, _content, _reasoning, _finish_reason, _usage, _error_code,
    _error_message, _omitted_messages, _now);
  IF _logged.event_numbers <> '{}' THEN
    PERFORM rustygpt.add_answer_usage(ARRAY[_message_id], _now);
  END IF;
  RETURN QUERY SELECT rustygpt.conversation_of(_message_id), _logged.event_numbers,
    _logged.event_types, _logged.event_payloads;
END
$$;
