-- The threads with messages that the actor has not read, latest activity first, at most 1,000
-- threads, each with its first unread message in reading order. For participants.
CREATE OR REPLACE FUNCTION rustygpt.list_unread(_actor uuid, _conversation_id uuid)
RETURNS TABLE ("position" bigint, more boolean, root_id uuid, unread integer, read_seq integer,
  first_unread_id uuid, first_unread_path text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  RETURN QUERY
    SELECT c.last_event_number, false, n.root_id, n.unread, n.read_seq, f.message_id, f.path
    FROM rustygpt.conversations c
      JOIN rustygpt.participants p ON p.conversation_id = c.id AND p.user_id = _actor
      LEFT JOIN LATERAL (
        SELECT t.root_id, u.unread, s.read_seq, t.last_activity_at
        FROM rustygpt.threads t
          LEFT JOIN rustygpt.read_markers r ON r.user_id = _actor AND r.root_id = t.root_id
          CROSS JOIN LATERAL rustygpt.effective_read_seq(t.root_id, p.joined_at_event, r.read_seq)
            AS s (read_seq)
          CROSS JOIN LATERAL rustygpt.unread_in_thread(t.root_id, _actor, s.read_seq)
            AS u (unread)
        WHERE t.conversation_id = _conversation_id
          AND t.last_created_event > GREATEST(p.joined_at_event, p.read_event)
          AND t.last_seq > COALESCE(r.read_seq, 0) AND u.unread > 0
        ORDER BY t.last_activity_at DESC LIMIT 1000
      ) AS n ON true
      LEFT JOIN LATERAL rustygpt.first_unread(n.root_id, _actor, n.read_seq) AS f ON true
    WHERE c.id = _conversation_id ORDER BY n.last_activity_at DESC, n.root_id DESC;
END
$$;
