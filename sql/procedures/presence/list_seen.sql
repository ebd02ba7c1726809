-- Who was seen since a moment, the latest at last; at most so many, and those the latest. For the
-- system.
CREATE OR REPLACE FUNCTION rustygpt.list_seen(_since timestamptz, _limit integer)
RETURNS TABLE (user_id uuid, said text, last_seen_at timestamptz, beats bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.act_as_system();
  RETURN QUERY SELECT l.user_id, l.said, l.last_seen_at, l.beats FROM (
      SELECT s.user_id, s.said, s.last_seen_at, s.beats FROM rustygpt.presence s
      WHERE s.last_seen_at > _since ORDER BY s.last_seen_at DESC LIMIT _limit
    ) AS l ORDER BY l.last_seen_at;
END
$$;
