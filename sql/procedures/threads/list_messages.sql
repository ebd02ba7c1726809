-- The messages of a thread in the order of their seq: after a seq, or directly below one. For
-- participants. A page ends at `_limit` messages or 1 MiB; its cost does not depend on the size of
-- the thread.
CREATE OR REPLACE FUNCTION rustygpt.list_messages(
  _actor uuid, _root_id uuid, _after_seq integer, _before_seq integer, _limit integer
) RETURNS TABLE ("position" bigint, more_before boolean, more_after boolean, id uuid, root_id uuid,
  conversation_id uuid, role text, content text, path text, depth integer, seq integer,
  created_at timestamptz, parent_id uuid, author_user_id uuid, author_name text,
  edited_at timestamptz, deleted_at timestamptz, deleted_by uuid, model text, reasoning text, finish_reason text,
  usage json, error json, omitted_messages integer, streaming boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_thread(_actor, _root_id);
  IF _before_seq IS NULL THEN
    _after_seq := COALESCE(_after_seq, 0);
  END IF;
  RETURN QUERY
    SELECT c.last_event_number, COALESCE(p.more_before OR _after_seq > 0, false),
      COALESCE(p.more_after OR EXISTS (
        SELECT 1 FROM rustygpt.threads t WHERE t.root_id = _root_id AND t.last_seq >= _before_seq),
        false),
      p.id, p.root_id, p.conversation_id, p.role, p.content, p.path, p.depth, p.seq, p.created_at,
      p.parent_id, p.author_user_id, p.author_name, p.edited_at, p.deleted_at, p.deleted_by,
      p.model, p.reasoning, p.finish_reason, p.usage, p.error, p.omitted_messages,
      p.streaming
    FROM rustygpt.conversations c LEFT JOIN LATERAL (
      SELECT n.*, bool_or(_before_seq IS NOT NULL AND NOT n.kept) OVER () AS more_before,
        bool_or(_after_seq IS NOT NULL AND NOT n.kept) OVER () AS more_after
      FROM (
        SELECT s.*, row_number() OVER w <= _limit AND (row_number() OVER w = 1 OR sum(
          octet_length(s.content) + COALESCE(octet_length(s.reasoning), 0) + 600
        ) OVER w <= 1048576) AS kept
        FROM (
          (SELECT m.*, m.seq AS distance
          FROM rustygpt.messages m WHERE m.root_id = _root_id AND m.seq > _after_seq
          ORDER BY m.seq LIMIT _limit + 1)
          UNION ALL
          (SELECT m.*, -m.seq
          FROM rustygpt.messages m WHERE m.root_id = _root_id AND m.seq < _before_seq
          ORDER BY m.seq DESC LIMIT _limit + 1)
        ) AS s WINDOW w AS (ORDER BY s.distance)
      ) AS n
    ) AS p ON p.kept
    WHERE c.id = rustygpt.current_conversation() ORDER BY p.seq;
END
$$;
