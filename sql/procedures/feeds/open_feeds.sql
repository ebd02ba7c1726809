-- Where the streams of all of a person's conversations stand: last event numbers, and the oldest
-- ones in the log. Latest activity first.
CREATE OR REPLACE FUNCTION rustygpt.open_feeds(_actor uuid)
RETURNS TABLE (conversation_id uuid, "position" bigint, oldest bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  -- The log is open to the system, and to people in one conversation at a time.
  PERFORM rustygpt.act_as_system();
  RETURN QUERY SELECT c.id, c.last_event, COALESCE((
      SELECT e.number FROM rustygpt.events e WHERE e.conversation_id = c.id
      ORDER BY e.number LIMIT 1), c.last_event + 1)
    FROM rustygpt.participants p
      JOIN rustygpt.users u ON u.id = p.user_id AND u.disabled_at IS NULL
      JOIN rustygpt.conversations c ON c.id = p.conversation_id
    WHERE p.user_id = _actor ORDER BY c.last_activity_at DESC, c.id;
END
$$;
