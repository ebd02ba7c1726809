-- The first unread message of a thread in reading order: of those that unread_in_thread counts, the
-- first max_unread() by seq, the one with the lowest path. No row if everything is read.
CREATE OR REPLACE FUNCTION rustygpt.first_unread(_root_id uuid, _user_id uuid, _read_seq integer)
RETURNS TABLE (message_id uuid, path text)
LANGUAGE sql STABLE AS $$
  SELECT u.id, u.path FROM (
    SELECT m.id, m.path FROM rustygpt.messages m
    WHERE m.root_id = _root_id AND m.seq > _read_seq
      AND m.deleted_at IS NULL AND m.author_user_id IS DISTINCT FROM _user_id
    ORDER BY m.seq LIMIT rustygpt.max_unread()
  ) AS u ORDER BY u.path LIMIT 1
$$;
