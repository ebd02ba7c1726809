-- Messages of a thread by others, not deleted, born after a mark; the count stops at 1,000.
CREATE OR REPLACE FUNCTION rustygpt.unread_in_thread(_root_id uuid, _user_id uuid, _after bigint)
RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM (
    SELECT 1 FROM rustygpt.messages m WHERE m.root_id = _root_id AND m.created_event > _after
      AND m.deleted_at IS NULL AND m.author_user_id IS DISTINCT FROM _user_id
    LIMIT 1000
  ) AS counted
$$;
