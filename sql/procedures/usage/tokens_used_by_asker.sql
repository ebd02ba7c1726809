-- How many tokens the user who asked for an answer has used on the day of `_now`; 0 when there is no
-- such user. For the system.
CREATE OR REPLACE FUNCTION rustygpt.tokens_used_by_asker(_message_id uuid, _now timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN rustygpt.tokens_used(
    (SELECT m.requested_by FROM rustygpt.messages m WHERE m.id = _message_id), _now);
END
$$;
