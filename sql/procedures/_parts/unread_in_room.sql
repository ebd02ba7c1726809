-- Unread messages of a conversation over all its threads; the count stops at 1,000.
CREATE OR REPLACE FUNCTION rustygpt.unread_in_room(
  _conversation_id uuid, _user_id uuid, _joined bigint
) RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM (
    SELECT 1 FROM rustygpt.threads t
      LEFT JOIN rustygpt.marks k ON k.user_id = _user_id AND k.root_id = t.root_id
      JOIN rustygpt.messages m ON m.root_id = t.root_id
        AND m.born > GREATEST(_joined, COALESCE(k.born, 0))
    WHERE t.conversation_id = _conversation_id AND t.last_born > _joined
      AND t.last_born > COALESCE(k.born, 0)
      AND m.deleted_at IS NULL AND m.author_user_id IS DISTINCT FROM _user_id
    LIMIT 1000
  ) AS counted
$$;
