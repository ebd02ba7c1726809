-- Delete threads of a conversation in which nothing is left, up to `_batch` of them and about as many
-- messages: the last activity is older than the retention of messages, all messages are deleted, none
-- can be restored, and the log has no event of the time when the last one was deleted, so that no
-- stream lacks it. For the system. Returns 0 when there is no such thread.
CREATE OR REPLACE FUNCTION rustygpt.remove_empty_threads(
  _conversation_id uuid, _batch integer, _now timestamptz
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _before timestamptz;
  _oldest_event timestamptz;
  _roots uuid[];
  _count integer;
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _conversation_id FOR NO KEY UPDATE;
  _before := (rustygpt.retention_of(_conversation_id, _now)).messages_before;
  SELECT COALESCE(min(e.created_at), 'infinity') INTO _oldest_event FROM (
    SELECT o.created_at FROM rustygpt.events o WHERE o.conversation_id = _conversation_id
    ORDER BY o.number LIMIT 1) AS e;
  _roots := ARRAY(
    SELECT t.root_id FROM rustygpt.threads t
    WHERE t.conversation_id = _conversation_id AND t.last_activity_at < _before
      AND t.message_count = 0
      AND NOT EXISTS (SELECT 1 FROM rustygpt.messages m WHERE m.root_id = t.root_id
        AND (m.deleted_at IS NULL OR m.deleted_at >= _oldest_event OR EXISTS (
          SELECT 1 FROM rustygpt.revisions r
          WHERE r.message_id = m.id AND r.change = 'deleted')))
    ORDER BY t.last_activity_at LIMIT _batch);
  DELETE FROM rustygpt.messages m WHERE m.id = ANY (ARRAY(
    SELECT o.id FROM rustygpt.messages o WHERE o.root_id = ANY (_roots) LIMIT _batch));
  GET DIAGNOSTICS _count = ROW_COUNT;
  IF _count < _batch THEN
    DELETE FROM rustygpt.threads t WHERE t.root_id = ANY (_roots);
  END IF;
  RETURN cardinality(_roots);
END
$$;
