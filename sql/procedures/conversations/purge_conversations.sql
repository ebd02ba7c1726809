-- Delete up to `_batch` messages, or events, of a deleted conversation: its threads with all that
-- belongs to them, then its log but the last event, which other processes may still lack. For the
-- system. Several processes may call it: each takes another conversation. Returns 0 when nothing is
-- left to delete, or another process is at it.
CREATE OR REPLACE FUNCTION rustygpt.purge_conversations(_batch integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _id uuid;
  _roots uuid[];
  _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT p.conversation_id INTO _id FROM rustygpt.purges p
  ORDER BY p.deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF _id IS NULL THEN
    RETURN 0;
  END IF;
  _roots := ARRAY(
    SELECT t.root_id FROM rustygpt.threads t WHERE t.conversation_id = _id LIMIT _batch);
  IF cardinality(_roots) > 0 THEN
    DELETE FROM rustygpt.messages m WHERE m.id IN (
      SELECT o.id FROM rustygpt.messages o WHERE o.root_id = ANY (_roots) LIMIT _batch);
    GET DIAGNOSTICS _count = ROW_COUNT;
    IF _count < _batch THEN
      DELETE FROM rustygpt.threads t WHERE t.root_id = ANY (_roots);
    END IF;
    RETURN _count + 1;
  END IF;
  DELETE FROM rustygpt.events e WHERE e.conversation_id = _id AND e.number IN (
    SELECT o.number FROM rustygpt.events o JOIN rustygpt.conversations c ON c.id = o.conversation_id
    WHERE o.conversation_id = _id AND o.number < c.last_event_number
    ORDER BY o.number LIMIT _batch);
  GET DIAGNOSTICS _count = ROW_COUNT;
  IF _count < _batch THEN
    DELETE FROM rustygpt.purges p WHERE p.conversation_id = _id;
  END IF;
  RETURN _count + 1;
END
$$;
