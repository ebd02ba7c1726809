-- Request the cancellation of an answer. For the user who requested it, and for administrators of the
-- conversation. The state is `running` (with the process that must stop), how the answer ended
-- (`cancelled`, `timed_out`, `completed`), or `not_tracked` for a message that is not an answer.
CREATE OR REPLACE FUNCTION rustygpt.request_cancel(
  _actor uuid, _message_id uuid, _now timestamptz
) RETURNS TABLE (state text, instance_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _actor_role text := rustygpt.authorize_read(
    _actor, rustygpt.conversation_of(_message_id), 'message');
  _message rustygpt.messages;
  _instance_id text;
BEGIN
  SELECT * INTO _message FROM rustygpt.messages m WHERE m.id = _message_id;
  IF _message.requested_by IS DISTINCT FROM _actor
    AND rustygpt.role_rank(_actor_role) < rustygpt.role_rank('admin')
  THEN
    PERFORM rustygpt.raise_error('RG403',
      'Only the user who requested this answer, or an admin of the conversation, may stop it.');
  END IF;
  UPDATE rustygpt.generations g SET cancel_requested_at = COALESCE(g.cancel_requested_at, _now)
  WHERE g.message_id = _message_id RETURNING g.instance_id INTO _instance_id;
  IF _instance_id IS NULL THEN
    SELECT m.finish_reason INTO _message.finish_reason
    FROM rustygpt.messages m WHERE m.id = _message_id;
  END IF;
  RETURN QUERY SELECT CASE
    WHEN _instance_id IS NOT NULL THEN 'running'
    WHEN _message.role <> 'assistant' OR _message.finish_reason IS NULL THEN 'not_tracked'
    WHEN _message.finish_reason = 'cancelled' THEN 'cancelled'
    WHEN _message.finish_reason = 'timeout' THEN 'timed_out'
    ELSE 'completed' END, _instance_id;
END
$$;
