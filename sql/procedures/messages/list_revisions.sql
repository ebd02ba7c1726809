-- The earlier texts of a message, latest first, before the revision `_before`. For participants; those
-- of a deleted message, its last text included, for its author (of an answer: the user who asked) and
-- administrators of the conversation only. A page ends at `_limit` revisions or 1 MiB.
CREATE OR REPLACE FUNCTION rustygpt.list_revisions(
  _actor uuid, _message_id uuid, _before integer, _limit integer
) RETURNS TABLE (more boolean, number integer, content text, written_at timestamptz, change text,
  replaced_at timestamptz, replaced_by uuid, reasoning text, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _role text := rustygpt.authorize_read(
    _actor, rustygpt.conversation_of(_message_id), 'message');
BEGIN
  IF rustygpt.role_rank(_role) < rustygpt.role_rank('admin') AND EXISTS (
    SELECT 1 FROM rustygpt.messages m WHERE m.id = _message_id AND m.deleted_at IS NOT NULL
      AND COALESCE(m.author_user_id, m.requested_by) IS DISTINCT FROM _actor)
  THEN
    PERFORM rustygpt.raise_error('RG403',
      'This message is deleted; only its author and admins of the conversation may see its texts.');
  END IF;
  -- Not COALESCE in the statement: row-level security lets a generic plan use no index for it.
  _before := COALESCE(_before, 2147483647);
  RETURN QUERY SELECT p.more, p.number, p.content, p.written_at, p.change,
      p.replaced_at, p.replaced_by, p.reasoning, p.reason
    FROM (
      SELECT k.*, bool_or(NOT k.kept) OVER () AS more
      FROM (
        SELECT n.*, row_number() OVER w <= _limit AND (row_number() OVER w = 1 OR sum(
          octet_length(n.content) + COALESCE(octet_length(n.reasoning), 0) + 300
        ) OVER w <= 1048576) AS kept
        FROM (
          SELECT * FROM rustygpt.revisions r
          WHERE r.message_id = _message_id AND r.number < _before
          ORDER BY r.number DESC LIMIT _limit + 1
        ) AS n WINDOW w AS (ORDER BY n.number DESC)
      ) AS k
    ) AS p WHERE p.kept ORDER BY p.number DESC;
END
$$;
