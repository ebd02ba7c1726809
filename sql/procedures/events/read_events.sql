-- The events of a conversation after a number, in order. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_events(
  _conversation_id uuid, _after bigint, _limit integer
) RETURNS TABLE (number bigint, type text, payload text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT e.number, e.type, e.payload::text FROM rustygpt.events e
    WHERE e.conversation_id = _conversation_id AND e.number > _after
    ORDER BY e.number LIMIT _limit;
END
$$;
