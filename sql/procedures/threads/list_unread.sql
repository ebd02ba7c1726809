-- The threads with messages that the actor has not read, latest activity first, at most 1,000
-- threads. For participants.
CREATE OR REPLACE FUNCTION rustygpt.list_unread(_actor uuid, _conversation_id uuid)
RETURNS TABLE ("position" bigint, more boolean, root_id uuid, unread integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  RETURN QUERY
    SELECT c.last_event_number, false, n.root_id, n.unread
    FROM rustygpt.conversations c
      JOIN rustygpt.participants p ON p.conversation_id = c.id AND p.user_id = _actor
      LEFT JOIN LATERAL (
        SELECT t.root_id, u.unread, t.last_activity_at
        FROM rustygpt.threads t
          LEFT JOIN rustygpt.read_markers r ON r.user_id = _actor AND r.root_id = t.root_id
          CROSS JOIN LATERAL rustygpt.unread_in_thread(t.root_id, _actor,
            GREATEST(p.joined_at_event, COALESCE(r.read_up_to_event, 0))) AS u (unread)
        WHERE t.conversation_id = _conversation_id AND t.last_created_event > p.joined_at_event
          AND t.last_created_event > COALESCE(r.read_up_to_event, 0) AND u.unread > 0
        ORDER BY t.last_activity_at DESC LIMIT 1000
      ) AS n ON true
    WHERE c.id = _conversation_id ORDER BY n.last_activity_at DESC, n.root_id DESC;
END
$$;
