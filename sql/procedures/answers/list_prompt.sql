-- The prompt of an answer: its ancestors, oldest first, without deleted and empty messages. The
-- newest that fit in `_limit_characters` are kept, and the parent in any case. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_prompt(_message_id uuid, _limit_characters integer)
RETURNS TABLE (model text, system_prompt text, role text, content text, author_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY
    WITH RECURSIVE chain AS (
      SELECT m.id, m.parent_id, 0 AS above, 0::bigint AS used FROM rustygpt.messages m
      WHERE m.id = _message_id
      UNION ALL
      SELECT m.id, m.parent_id, c.above + 1,
        c.used + CASE WHEN m.deleted_at IS NULL THEN length(m.content) ELSE 0 END
      FROM chain c JOIN rustygpt.messages m ON m.id = c.parent_id
      WHERE c.above = 0 OR c.used < _limit_characters
    )
    SELECT COALESCE(a.model, ''), o.system_prompt, n.role, n.content, n.author_name
    FROM rustygpt.messages a JOIN rustygpt.conversations o ON o.id = a.conversation_id
      LEFT JOIN (
        SELECT m.role, m.content, m.author_name, c.above
        FROM chain c JOIN rustygpt.messages m ON m.id = c.id
        WHERE c.above > 0 AND m.deleted_at IS NULL AND m.content <> ''
          AND (c.above = 1 OR c.used <= _limit_characters)
      ) AS n ON true
    WHERE a.id = _message_id ORDER BY n.above DESC;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such message.');
  END IF;
END
$$;
