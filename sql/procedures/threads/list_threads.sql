-- The threads of a conversation, latest activity first, after the one at (`_before`, `_before_id`).
-- For participants.
CREATE OR REPLACE FUNCTION rustygpt.list_threads(
  _actor uuid, _conversation_id uuid, _before timestamptz, _before_id uuid, _limit integer
) RETURNS TABLE ("position" bigint, more boolean, root_id uuid, root_excerpt text,
  root_author uuid, created_at timestamptz, last_activity_at timestamptz, message_count integer,
  participant_count integer, unread integer, read_seq integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  -- Not COALESCE in the statement: row-level security lets a generic plan use no index for it.
  _before := COALESCE(_before, 'infinity');
  _before_id := COALESCE(_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  RETURN QUERY
    SELECT c.last_event_number, COALESCE(t.more, false), t.root_id, t.root_excerpt, t.root_author,
      t.created_at, t.last_activity_at, t.message_count, t.participant_count,
      CASE WHEN t.last_seq > t.read_seq
        THEN rustygpt.unread_in_thread(t.root_id, _actor, t.read_seq) ELSE 0 END,
      t.read_seq
    FROM rustygpt.conversations c
      JOIN rustygpt.participants p ON p.conversation_id = c.id AND p.user_id = _actor
      LEFT JOIN LATERAL (
        SELECT s.*, m.read_seq,
          row_number() OVER w AS ordinal, lead(s.root_id) OVER w IS NOT NULL AS more
        FROM (
          SELECT o.* FROM rustygpt.threads o WHERE o.conversation_id = _conversation_id
            AND (o.last_activity_at, o.root_id) < (_before, _before_id)
          ORDER BY o.last_activity_at DESC, o.root_id DESC LIMIT _limit + 1
        ) AS s
          LEFT JOIN rustygpt.read_markers r ON r.user_id = _actor AND r.root_id = s.root_id
          CROSS JOIN LATERAL rustygpt.effective_read_seq(s.root_id, p.joined_at_event, r.read_seq)
            AS m (read_seq)
        WINDOW w AS (ORDER BY s.last_activity_at DESC, s.root_id DESC)
      ) AS t ON t.ordinal <= _limit
    WHERE c.id = _conversation_id ORDER BY t.ordinal;
END
$$;
