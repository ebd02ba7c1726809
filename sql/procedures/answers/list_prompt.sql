-- The prompt of an answer: its ancestors, oldest first, without deleted and empty messages. The newest
-- that fit in `_limit_tokens`, by estimate, are kept, and the parent in any case. `omitted` counts all
-- earlier messages of the chain. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_prompt(_message_id uuid, _limit_tokens integer)
RETURNS TABLE (model text, system_prompt text, omitted integer, role text, content text,
  author_user_id uuid, author_name text, username text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _system_prompt text;
  _left integer;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT o.system_prompt INTO _system_prompt FROM rustygpt.messages m
    JOIN rustygpt.conversations o ON o.id = m.conversation_id WHERE m.id = _message_id;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such message.');
  END IF;
  _left := _limit_tokens - COALESCE(rustygpt.estimate_tokens(_system_prompt), 0);
  RETURN QUERY
    WITH RECURSIVE chain AS (
      SELECT m.id, m.parent_id, 0 AS above, 0::bigint AS used FROM rustygpt.messages m
      WHERE m.id = _message_id
      UNION ALL
      SELECT m.id, m.parent_id, c.above + 1, c.used + CASE WHEN m.deleted_at IS NULL
        THEN rustygpt.estimate_tokens(m.content) + length(COALESCE(m.author_name, '')) / 4 + 4
        ELSE 0 END
      FROM chain c JOIN rustygpt.messages m ON m.id = c.parent_id
      WHERE c.above = 0 OR c.used < _left
    ), kept AS (
      SELECT m.role, m.content, m.author_user_id, m.author_name, c.above,
        m.deleted_at IS NULL AND m.content <> '' AS is_shown, m.depth
      FROM chain c JOIN rustygpt.messages m ON m.id = c.id
      WHERE c.above = 1 OR c.above > 1 AND c.used <= _left
    )
    SELECT COALESCE(a.model, ''), _system_prompt,
      COALESCE((SELECT min(k.depth) FROM kept k), a.depth) - 1,
      n.role, n.content, n.author_user_id, n.author_name, u.username
    FROM rustygpt.messages a LEFT JOIN kept n ON n.is_shown
      LEFT JOIN rustygpt.users u ON u.id = n.author_user_id
    WHERE a.id = _message_id ORDER BY n.above DESC;
END
$$;
