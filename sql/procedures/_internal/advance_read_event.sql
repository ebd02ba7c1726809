-- Move a participant's read_event forward over threads in which nothing is unread, in the order of
-- their last messages, up to the first one with something unread. The caller has locked the
-- participant's row. Visits 8 threads, and more while all of them are read; at most 512, so that its
-- cost is bounded: the next call continues. A deleted message of somebody else counts as unread here,
-- because it may be restored.
CREATE OR REPLACE FUNCTION rustygpt.advance_read_event(_user_id uuid, _conversation_id uuid)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _participant rustygpt.participants;
  _read bigint;
  _batch record;
BEGIN
  SELECT * INTO STRICT _participant FROM rustygpt.participants p
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id;
  _read := GREATEST(_participant.joined_at_event, _participant.read_event);
  FOR _round IN 1 .. 64 LOOP
    SELECT max(n.last_created_event) AS last, count(*) AS visited,
      min(n.last_created_event) FILTER (WHERE n.is_unread) AS first_unread INTO _batch
    FROM (
      SELECT t.last_created_event, t.last_seq > COALESCE(r.read_seq, 0) AND EXISTS (
          SELECT 1 FROM rustygpt.effective_read_seq(
              t.root_id, _participant.joined_at_event, r.read_seq) AS s (read_seq)
            JOIN rustygpt.messages m ON m.root_id = t.root_id AND m.seq > s.read_seq
          WHERE m.author_user_id IS DISTINCT FROM _user_id
        ) AS is_unread
      FROM rustygpt.threads t
        LEFT JOIN rustygpt.read_markers r ON r.user_id = _user_id AND r.root_id = t.root_id
      WHERE t.conversation_id = _conversation_id AND t.last_created_event > _read
      ORDER BY t.last_created_event LIMIT 8
    ) AS n;
    _read := COALESCE(_batch.first_unread - 1, _batch.last, _read);
    EXIT WHEN _batch.visited < 8 OR _batch.first_unread IS NOT NULL;
  END LOOP;
  UPDATE rustygpt.participants p SET read_event = _read
  WHERE p.conversation_id = _conversation_id AND p.user_id = _user_id AND p.read_event < _read;
END
$$;
