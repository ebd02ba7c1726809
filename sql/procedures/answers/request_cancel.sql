-- Wish to stop an answer. Who asked for it, or an administrator of the conversation. The state is
-- running (the runner has to be told), how it ended, or not_tracked for what is no answer.
CREATE OR REPLACE FUNCTION rustygpt.request_cancel(
  _actor uuid, _message_id uuid, _now timestamptz
) RETURNS TABLE (state text, runner text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _mine text := rustygpt.enter(_actor, rustygpt.room_of(_message_id), 'message');
  _m rustygpt.messages;
  _runner text;
BEGIN
  SELECT * INTO _m FROM rustygpt.messages m WHERE m.id = _message_id;
  IF _m.asked_by IS DISTINCT FROM _actor AND rustygpt.rank(_mine) < rustygpt.rank('admin') THEN
    PERFORM rustygpt.refuse('RG403',
      'Only who asked for this answer or an administrator of the conversation may stop it.');
  END IF;
  UPDATE rustygpt.generations g SET cancel_asked_at = COALESCE(g.cancel_asked_at, _now)
  WHERE g.message_id = _message_id RETURNING g.runner INTO _runner;
  IF _runner IS NULL THEN
    SELECT m.finish_reason INTO _m.finish_reason
    FROM rustygpt.messages m WHERE m.id = _message_id;
  END IF;
  RETURN QUERY SELECT CASE
    WHEN _runner IS NOT NULL THEN 'running'
    WHEN _m.role <> 'assistant' OR _m.finish_reason IS NULL THEN 'not_tracked'
    WHEN _m.finish_reason = 'cancelled' THEN 'cancelled'
    WHEN _m.finish_reason = 'timeout' THEN 'timed_out'
    ELSE 'completed' END, _runner;
END
$$;
