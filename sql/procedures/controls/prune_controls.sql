-- Keep the latest controls only; a process that lacks earlier ones notices it by the numbers.
-- For the system; answers how many went.
CREATE OR REPLACE FUNCTION rustygpt.prune_controls(_keep integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.act_as_system();
  DELETE FROM rustygpt.controls c
  WHERE c.number <= (SELECT n.last FROM rustygpt.control_count n) - _keep;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
