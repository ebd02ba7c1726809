-- Keep all answers of a process for a while longer. For the system.
CREATE OR REPLACE FUNCTION rustygpt.renew_leases(_runner text, _until timestamptz)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.act_as_system();
  UPDATE rustygpt.generations g SET lease_until = _until WHERE g.runner = _runner;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
