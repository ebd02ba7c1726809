-- Delete up to `_batch` audit entries that are older than the retention says. A policy keeps those of
-- the last 30 days, whatever `_now` is. For the system. Returns how many entries were deleted.
CREATE OR REPLACE FUNCTION rustygpt.prune_audit(_batch integer, _now timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _before timestamptz;
  _count integer;
BEGIN
  PERFORM rustygpt.set_actor_system();
  _before := _now - make_interval(days => (SELECT r.audit_days FROM rustygpt.retention r));
  DELETE FROM rustygpt.audit_entries a WHERE a.number = ANY (ARRAY(
    SELECT o.number FROM rustygpt.audit_entries o WHERE o.created_at < _before
    ORDER BY o.created_at LIMIT _batch));
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
