-- The number of unread messages of a conversation over all its threads; the count stops at
-- max_unread().
CREATE OR REPLACE FUNCTION rustygpt.unread_in_conversation(
  _conversation_id uuid, _user_id uuid, _joined_at_event bigint
) RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM (
    SELECT 1 FROM rustygpt.threads t
      LEFT JOIN rustygpt.read_markers r ON r.user_id = _user_id AND r.root_id = t.root_id
      JOIN rustygpt.messages m ON m.root_id = t.root_id
        AND m.created_event > GREATEST(_joined_at_event, COALESCE(r.read_up_to_event, 0))
    WHERE t.conversation_id = _conversation_id AND t.last_created_event > _joined_at_event
      AND t.last_created_event > COALESCE(r.read_up_to_event, 0)
      AND m.deleted_at IS NULL AND m.author_user_id IS DISTINCT FROM _user_id
    LIMIT rustygpt.max_unread()
  ) AS counted
$$;
