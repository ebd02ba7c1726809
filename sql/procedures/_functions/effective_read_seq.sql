-- Up to which seq a user has read a thread: as far as the read marker (NULL if there is none), and at
-- least up to the last message before the user joined.
CREATE OR REPLACE FUNCTION rustygpt.effective_read_seq(
  _root_id uuid, _joined_at_event bigint, _marker_seq integer
) RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT GREATEST(COALESCE(_marker_seq, 0), COALESCE((
    SELECT m.seq FROM rustygpt.messages m
    WHERE m.root_id = _root_id AND m.created_event <= _joined_at_event
    ORDER BY m.created_event DESC LIMIT 1), 0))
$$;
