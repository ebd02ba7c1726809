-- The number of unread messages of a thread: those by other authors, not deleted, above `_read_seq`.
-- The count stops at max_unread().
CREATE OR REPLACE FUNCTION rustygpt.unread_in_thread(
  _root_id uuid, _user_id uuid, _read_seq integer
) RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM (
    SELECT 1 FROM rustygpt.messages m WHERE m.root_id = _root_id AND m.seq > _read_seq
      AND m.deleted_at IS NULL AND m.author_user_id IS DISTINCT FROM _user_id
    LIMIT rustygpt.max_unread()
  ) AS counted
$$;
