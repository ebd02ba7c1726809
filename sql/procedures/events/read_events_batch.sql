-- The next events of several conversations, each after its own number, in order; at most `_limit`
-- per conversation. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_events_batch(
  _conversations uuid[], _afters bigint[], _limit integer
) RETURNS TABLE (conversation_id uuid, number bigint, type text, payload text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT e.conversation_id, e.number, e.type, e.payload::text
    FROM unnest(_conversations, _afters) AS w (id, after)
      CROSS JOIN LATERAL (
        SELECT o.conversation_id, o.number, o.type, o.payload FROM rustygpt.events o
        WHERE o.conversation_id = w.id AND o.number > w.after
        ORDER BY o.number LIMIT _limit
      ) AS e
    ORDER BY e.conversation_id, e.number;
END
$$;
