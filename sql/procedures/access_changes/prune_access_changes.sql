-- Delete all but the latest `_retain` access changes; a process that has not read the deleted ones
-- detects that by their numbers. For the system. Returns how many were deleted.
CREATE OR REPLACE FUNCTION rustygpt.prune_access_changes(_retain integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  DELETE FROM rustygpt.access_changes c
  WHERE c.number <= (SELECT n.last_number FROM rustygpt.access_change_counter n) - _retain;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
