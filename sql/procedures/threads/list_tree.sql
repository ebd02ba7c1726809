-- The messages of a thread in depth-first order, after a path. For participants. A page ends at
-- `_limit` messages or 1 MiB; its cost does not depend on the size of the thread.
CREATE OR REPLACE FUNCTION rustygpt.list_tree(
  _actor uuid, _root_id uuid, _after_path text, _limit integer
) RETURNS TABLE ("position" bigint, more boolean, id uuid, root_id uuid, conversation_id uuid,
  role text, content text, path text, depth integer, seq integer, created_at timestamptz,
  parent_id uuid, author_user_id uuid, author_name text, edited_at timestamptz,
  deleted_at timestamptz, model text, reasoning text, finish_reason text, usage json,
  streaming boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE _conversation_id uuid := rustygpt.conversation_of(_root_id);
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'thread');
  IF NOT EXISTS (SELECT 1 FROM rustygpt.threads t WHERE t.root_id = _root_id) THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such thread; this is a message within one.');
  END IF;
  RETURN QUERY
    SELECT c.last_event_number, COALESCE(p.more, false), p.id, p.root_id, p.conversation_id,
      p.role, p.content, p.path, p.depth, p.seq, p.created_at, p.parent_id,
      p.author_user_id, p.author_name, p.edited_at,
      p.deleted_at, p.model, p.reasoning, p.finish_reason, p.usage, p.streaming
    FROM rustygpt.conversations c LEFT JOIN LATERAL (
      SELECT s.*, lead(s.id) OVER w IS NOT NULL AS more, row_number() OVER w AS ordinal,
        sum(octet_length(s.content) + COALESCE(octet_length(s.reasoning), 0) + 600) OVER w AS bytes
      FROM (
        SELECT m.* FROM rustygpt.messages m
        WHERE m.root_id = _root_id AND m.path > COALESCE(_after_path, '')
        ORDER BY m.path LIMIT _limit + 1
      ) AS s WINDOW w AS (ORDER BY s.path)
    ) AS p ON p.ordinal <= _limit AND (p.ordinal = 1 OR p.bytes <= 1048576)
    WHERE c.id = _conversation_id ORDER BY p.ordinal;
END
$$;
