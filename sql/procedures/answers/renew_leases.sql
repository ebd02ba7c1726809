-- Extend the leases of answers that a server process writes; returns how many it still holds. For
-- the system. An answer that was committed but whose result never reached the process is not in
-- `_message_ids`, so its lease expires. Rows are locked in the same order as by fail_orphans.
CREATE OR REPLACE FUNCTION rustygpt.renew_leases(
  _instance_id text, _message_ids uuid[], _until timestamptz
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  UPDATE rustygpt.generations g SET lease_until = _until FROM (
    SELECT o.message_id FROM rustygpt.generations o WHERE o.instance_id = _instance_id
      AND o.message_id = ANY (_message_ids)
    ORDER BY o.conversation_id, o.message_id FOR UPDATE
  ) AS held WHERE g.message_id = held.message_id;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
