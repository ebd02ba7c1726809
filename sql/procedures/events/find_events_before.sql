-- The last event of each conversation that is older than a time, among its last `_depth` events;
-- conversations without one are omitted. For the system.
CREATE OR REPLACE FUNCTION rustygpt.find_events_before(
  _conversations uuid[], _time timestamptz, _depth integer
) RETURNS TABLE (conversation_id uuid, number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT c.id, e.number FROM rustygpt.conversations c
    CROSS JOIN LATERAL (
      SELECT o.number FROM rustygpt.events o
      WHERE o.conversation_id = c.id AND o.number > c.last_event_number - _depth
        AND o.created_at < _time
      ORDER BY o.number DESC LIMIT 1
    ) AS e
    WHERE c.id = ANY (_conversations);
END
$$;
