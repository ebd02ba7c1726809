-- The number of unread messages of a conversation over all its threads; the count stops at
-- max_unread(). Threads that are known to be read are not visited: see participants.read_event.
-- effective_read_seq is joined, because row-level security lets no index be used for a comparison
-- with its result (PostgreSQL 15).
CREATE OR REPLACE FUNCTION rustygpt.unread_in_conversation(
  _conversation_id uuid, _user_id uuid, _joined_at_event bigint
) RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM (
    SELECT 1 FROM rustygpt.participants p
      JOIN rustygpt.threads t ON t.conversation_id = p.conversation_id
        AND t.last_created_event > GREATEST(p.joined_at_event, p.read_event)
      LEFT JOIN rustygpt.read_markers r ON r.user_id = _user_id AND r.root_id = t.root_id
      CROSS JOIN LATERAL rustygpt.effective_read_seq(t.root_id, _joined_at_event, r.read_seq)
        AS s (read_seq)
      CROSS JOIN LATERAL (
        SELECT 1 FROM rustygpt.messages m
        WHERE m.root_id = t.root_id AND m.deleted_at IS NULL AND m.seq > s.read_seq
          AND m.author_user_id IS DISTINCT FROM _user_id
        LIMIT rustygpt.max_unread()
      ) AS m
    WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id
      AND t.last_seq > COALESCE(r.read_seq, 0)
    LIMIT rustygpt.max_unread()
  ) AS counted
$$;
