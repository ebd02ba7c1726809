-- Answers of a process that somebody wishes to stop. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_cancelled(_runner text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.act_as_system();
  RETURN QUERY SELECT g.message_id FROM rustygpt.generations g
    WHERE g.runner = _runner AND g.cancel_asked_at IS NOT NULL;
END
$$;
