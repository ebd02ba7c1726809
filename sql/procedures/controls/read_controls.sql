-- Controls after a number, in order, each with the last number there is; one row of NULL fields
-- when there are none. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_controls(_after bigint, _limit integer)
RETURNS TABLE (last bigint, number bigint, kind text, user_id uuid, session_id uuid,
  conversation_id uuid, event bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.act_as_system();
  RETURN QUERY SELECT l.last, c.number, c.kind, c.user_id, c.session_id, c.conversation_id, c.event
    FROM (SELECT COALESCE(max(n.last), 0) AS last FROM rustygpt.control_count n) AS l
      LEFT JOIN LATERAL (
        SELECT * FROM rustygpt.controls o WHERE o.number > _after ORDER BY o.number LIMIT _limit
      ) AS c ON true
    ORDER BY c.number;
END
$$;
