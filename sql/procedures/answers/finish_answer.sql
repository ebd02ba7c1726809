-- End an answer, with its whole text. For the system. One that has ended already, or that another
-- process has, is left alone.
CREATE OR REPLACE FUNCTION rustygpt.finish_answer(
  _message_id uuid, _runner text, _content text, _reasoning text, _finish_reason text,
  _usage json, _error_code text, _error_message text, _now timestamptz
) RETURNS TABLE (conversation_id uuid, event_numbers bigint[], event_types text[],
  event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.act_as_system();
  RETURN QUERY SELECT rustygpt.room_of(_message_id), e.* FROM rustygpt.close_answer(
    _message_id, _runner, _content, _reasoning, _finish_reason, _usage, _error_code,
    _error_message, _now) AS e;
END
$$;
