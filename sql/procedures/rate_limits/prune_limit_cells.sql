-- Delete up to `_limit` cells whose burst is available again: they say nothing any more. For the
-- system. Returns how many were deleted.
CREATE OR REPLACE FUNCTION rustygpt.prune_limit_cells(_now timestamptz, _limit integer)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _count integer;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.limit_cells c WHERE c.key IN (
    SELECT o.key FROM rustygpt.limit_cells o WHERE o.full_at <= _now LIMIT _limit
    FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
