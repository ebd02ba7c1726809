-- The nearest answer above an answer, if it is not finished: what was replied to is not complete.
-- Answers further up do not matter, as the nearest one waits for them in its turn. For the system.
CREATE OR REPLACE FUNCTION rustygpt.find_unfinished_ancestor(_message_id uuid) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN (
    WITH RECURSIVE chain AS (
      SELECT m.parent_id, m.id, m.role, m.streaming, 0 AS above FROM rustygpt.messages m
      WHERE m.id = _message_id
      UNION ALL
      SELECT m.parent_id, m.id, m.role, m.streaming, c.above + 1
      FROM chain c JOIN rustygpt.messages m ON m.id = c.parent_id
      WHERE (c.above = 0 OR c.role <> 'assistant') AND c.above < 100
    )
    SELECT c.id FROM chain c WHERE c.above > 0 AND c.streaming LIMIT 1
  );
END
$$;
