-- The next `_limit` conversations by id after `_after`, and whether the retention has something to
-- delete in each. None if messages are kept for ever everywhere. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_expired(
  _after uuid, _limit integer, _now timestamptz
) RETURNS TABLE (conversation_id uuid, expired boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  _after := COALESCE(_after, '00000000-0000-0000-0000-000000000000');
  IF EXISTS (SELECT 1 FROM rustygpt.retention r
    WHERE r.messages_days IS NOT NULL OR r.deleted_messages_days IS NOT NULL)
  THEN
    RETURN QUERY SELECT c.id, rustygpt.has_expired(c.id, _now) FROM (
      SELECT o.id FROM rustygpt.conversations o WHERE o.id > _after ORDER BY o.id LIMIT _limit
    ) AS c ORDER BY c.id;
  ELSE
    RETURN QUERY SELECT c.id, rustygpt.has_expired(c.id, _now) FROM (
      SELECT o.conversation_id AS id FROM rustygpt.conversation_retention o
      WHERE o.conversation_id > _after ORDER BY o.conversation_id LIMIT _limit
    ) AS c ORDER BY c.id;
  END IF;
END
$$;
