-- The bounds of the event log for streams that users want to open, by their ordinal in the arrays:
-- the last event number, and the oldest number in the log (the last one plus 1 if the log is
-- empty). An element without a conversation stands for all conversations of the user, latest
-- activity first. Conversations that the user is not in are omitted. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_log_bounds(_users uuid[], _conversations uuid[])
RETURNS TABLE (ordinal integer, conversation_id uuid, "position" bigint, oldest bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY WITH requested AS (
      SELECT w.user_id, w.conversation_id, w.ordinal
      FROM unnest(_users, _conversations) WITH ORDINALITY AS w (user_id, conversation_id, ordinal)
        JOIN rustygpt.users u ON u.id = w.user_id AND u.disabled_at IS NULL
    ), allowed AS (
      SELECT w.ordinal, p.conversation_id FROM requested w JOIN rustygpt.participants p
        ON p.user_id = w.user_id AND p.conversation_id = w.conversation_id
      UNION ALL
      SELECT w.ordinal, p.conversation_id FROM requested w JOIN rustygpt.participants p
        ON p.user_id = w.user_id AND w.conversation_id IS NULL
    ) SELECT e.ordinal::integer, c.id, c.last_event_number, COALESCE((
        SELECT o.number FROM rustygpt.events o WHERE o.conversation_id = c.id
        ORDER BY o.number LIMIT 1), c.last_event_number + 1)
    FROM allowed e JOIN rustygpt.conversations c ON c.id = e.conversation_id
    ORDER BY e.ordinal, c.last_activity_at DESC, c.id;
END
$$;
