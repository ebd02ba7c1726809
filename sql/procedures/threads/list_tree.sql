-- The messages of a thread in depth-first order: after a path, directly before a path, or around a
-- message, which is as near to the middle as the ends of the thread allow. For participants. A page
-- ends at `_limit` messages or 1 MiB; its cost does not depend on the size of the thread. The order
-- in which messages are added to the page is that of their `distance` from its start.
CREATE OR REPLACE FUNCTION rustygpt.list_tree(
  _actor uuid, _root_id uuid, _after_path text, _before_path text, _around uuid, _limit integer
) RETURNS TABLE ("position" bigint, more_before boolean, more_after boolean, id uuid, root_id uuid,
  conversation_id uuid, role text, content text, path text, depth integer, seq integer,
  created_at timestamptz, parent_id uuid, author_user_id uuid, author_name text,
  edited_at timestamptz, deleted_at timestamptz, deleted_by uuid, model text, reasoning text, finish_reason text,
  usage json, error json, omitted_messages integer, streaming boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_thread(_actor, _root_id);
  IF _around IS NOT NULL THEN
    SELECT m.path, m.path INTO _after_path, _before_path FROM rustygpt.messages m
    WHERE m.id = _around AND m.root_id = _root_id;
    IF NOT FOUND THEN
      PERFORM rustygpt.raise_error('RG404', 'There is no such message in this thread.');
    END IF;
  ELSIF _before_path IS NULL THEN
    _after_path := COALESCE(_after_path, '');
  END IF;
  RETURN QUERY
    SELECT c.last_event_number, COALESCE(p.more_before OR _before_path IS NULL AND (
        SELECT m.path <= _after_path FROM rustygpt.messages m
        WHERE m.root_id = _root_id ORDER BY m.path LIMIT 1), false),
      COALESCE(p.more_after OR _after_path IS NULL AND (
        SELECT m.path >= _before_path FROM rustygpt.messages m
        WHERE m.root_id = _root_id ORDER BY m.path DESC LIMIT 1), false),
      p.id, p.root_id, p.conversation_id, p.role, p.content, p.path, p.depth, p.seq, p.created_at,
      p.parent_id, p.author_user_id, p.author_name, p.edited_at, p.deleted_at, p.deleted_by,
      p.model, p.reasoning, p.finish_reason, p.usage, p.error, p.omitted_messages,
      p.streaming
    FROM rustygpt.conversations c LEFT JOIN LATERAL (
      SELECT n.*, bool_or(n.side = -1 AND NOT n.kept) OVER () AS more_before,
        bool_or(n.side = 1 AND NOT n.kept) OVER () AS more_after
      FROM (
        SELECT s.*, row_number() OVER w <= _limit AND (row_number() OVER w = 1 OR sum(
          octet_length(s.content) + COALESCE(octet_length(s.reasoning), 0) + 600
        ) OVER w <= 1048576) AS kept
        FROM (
          (SELECT m.*, row_number() OVER (ORDER BY m.path) AS distance, 1 AS side
          FROM rustygpt.messages m WHERE m.root_id = _root_id AND m.path > _after_path
          ORDER BY m.path LIMIT _limit + 1)
          UNION ALL
          (SELECT m.*, row_number() OVER (ORDER BY m.path DESC), -1
          FROM rustygpt.messages m WHERE m.root_id = _root_id AND m.path < _before_path
          ORDER BY m.path DESC LIMIT _limit + 1)
          UNION ALL
          SELECT m.*, 0, 0 FROM rustygpt.messages m WHERE m.id = _around
        ) AS s WINDOW w AS (ORDER BY s.distance, s.side)
      ) AS n
    ) AS p ON p.kept
    WHERE c.id = rustygpt.current_conversation() ORDER BY p.path;
END
$$;
