-- The answers of a server process with a requested cancellation. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_cancelled(_instance_id text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT g.message_id FROM rustygpt.generations g
    WHERE g.instance_id = _instance_id AND g.cancel_requested_at IS NOT NULL;
END
$$;
