-- Keep the answers that a process writes for a while longer. For the system. An answer whose
-- beginning was committed but never heard of is not among them, and runs out. They are locked in
-- the order in which fail_orphans takes them.
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
