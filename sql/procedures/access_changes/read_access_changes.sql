-- The access changes after a number, in order, each with the last number of the log; one row with
-- NULL fields if there are none. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_access_changes(_after bigint, _limit integer)
RETURNS TABLE (last_number bigint, number bigint, kind text, user_id uuid, session_id uuid,
  conversation_id uuid, event_number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT l.last_number, c.number, c.kind, c.user_id, c.session_id, c.conversation_id,
      c.event_number
    FROM (SELECT COALESCE(max(n.last_number), 0) AS last_number
      FROM rustygpt.access_change_counter n) AS l
      LEFT JOIN LATERAL (
        SELECT * FROM rustygpt.access_changes o WHERE o.number > _after
        ORDER BY o.number LIMIT _limit
      ) AS c ON true
    ORDER BY c.number;
END
$$;
