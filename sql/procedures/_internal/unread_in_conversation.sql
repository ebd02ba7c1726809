-- Unread messages of a conversation over all its threads; the count stops at 1,000.
CREATE OR REPLACE FUNCTION rustygpt.unread_in_conversation(
  _conversation_id uuid, _user_id uuid, _joined bigint
) RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM (
    SELECT 1 FROM rustygpt.threads t
      LEFT JOIN rustygpt.read_markers k ON k.user_id = _user_id AND k.root_id = t.root_id
      JOIN rustygpt.messages m ON m.root_id = t.root_id
        AND m.created_event > GREATEST(_joined, COALESCE(k.read_up_to_event, 0))
    WHERE t.conversation_id = _conversation_id AND t.last_created_event > _joined
      AND t.last_created_event > COALESCE(k.read_up_to_event, 0)
      AND m.deleted_at IS NULL AND m.author_user_id IS DISTINCT FROM _user_id
    LIMIT 1000
  ) AS counted
$$;
