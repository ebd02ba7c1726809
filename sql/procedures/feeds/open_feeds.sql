-- Where streams stand that people want to open, by place in the arrays: the last event number, and
-- the oldest in the log. Without a conversation all of the person's, latest activity first; those
-- that the person is not in are left out. For the system.
CREATE OR REPLACE FUNCTION rustygpt.open_feeds(_users uuid[], _conversations uuid[])
RETURNS TABLE (place integer, conversation_id uuid, "position" bigint, oldest bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.act_as_system();
  RETURN QUERY WITH wanted AS (
      SELECT w.user_id, w.conversation_id, w.place
      FROM unnest(_users, _conversations) WITH ORDINALITY AS w (user_id, conversation_id, place)
        JOIN rustygpt.users u ON u.id = w.user_id AND u.disabled_at IS NULL
    ), entered AS (
      SELECT w.place, p.conversation_id FROM wanted w JOIN rustygpt.participants p
        ON p.user_id = w.user_id AND p.conversation_id = w.conversation_id
      UNION ALL
      SELECT w.place, p.conversation_id FROM wanted w JOIN rustygpt.participants p
        ON p.user_id = w.user_id AND w.conversation_id IS NULL
    ) SELECT e.place::integer, c.id, c.last_event, COALESCE((
        SELECT o.number FROM rustygpt.events o WHERE o.conversation_id = c.id
        ORDER BY o.number LIMIT 1), c.last_event + 1)
    FROM entered e JOIN rustygpt.conversations c ON c.id = e.conversation_id
    ORDER BY e.place, c.last_activity_at DESC, c.id;
END
$$;
