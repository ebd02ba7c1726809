-- Where a stream of a conversation stands: its last event number, and the oldest in the log.
-- Participants only.
CREATE OR REPLACE FUNCTION rustygpt.open_feed(_actor uuid, _conversation_id uuid)
RETURNS TABLE ("position" bigint, oldest bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.enter(_actor, _conversation_id, 'conversation');
  RETURN QUERY SELECT c.last_event, COALESCE((
      SELECT e.number FROM rustygpt.events e WHERE e.conversation_id = _conversation_id
      ORDER BY e.number LIMIT 1), c.last_event + 1)
    FROM rustygpt.conversations c WHERE c.id = _conversation_id;
END
$$;
