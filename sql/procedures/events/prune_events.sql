-- Delete up to `_batch` events that are too old, by the settings or by the retention, or too many, from
-- the oldest number on, so that the remaining numbers have no gap; also expired idempotency keys. For the system. Returns how many
-- events were deleted.
CREATE OR REPLACE FUNCTION rustygpt.prune_events(
  _now timestamptz, _retention_hours integer, _max_per_conversation integer, _batch integer
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _limit timestamptz;
  _count bigint;
BEGIN
  PERFORM rustygpt.set_actor_system();
  _limit := _now - LEAST(make_interval(hours => _retention_hours),
    make_interval(days => (SELECT r.events_days FROM rustygpt.retention r)));
  DELETE FROM rustygpt.idempotency i WHERE (i.user_id, i.key) IN (
    SELECT o.user_id, o.key FROM rustygpt.idempotency o
    WHERE o.created_at <= _now - rustygpt.idempotency_retention() LIMIT _batch);
  WITH cut AS (
    SELECT e.conversation_id, max(e.number) AS number
    FROM (
      SELECT o.conversation_id, o.number FROM rustygpt.events o
      WHERE o.created_at < _limit ORDER BY o.created_at LIMIT _batch
    ) AS e GROUP BY e.conversation_id
    UNION ALL
    SELECT c.id, c.last_event_number - _max_per_conversation FROM rustygpt.conversations c
    WHERE c.last_event_number > _max_per_conversation
  ), excess AS (
    SELECT e.conversation_id, e.number
    FROM (SELECT conversation_id, max(number) AS number FROM cut GROUP BY conversation_id) AS c
      CROSS JOIN LATERAL (
        SELECT o.conversation_id, o.number FROM rustygpt.events o
        WHERE o.conversation_id = c.conversation_id AND o.number <= c.number
        ORDER BY o.number LIMIT _batch
      ) AS e LIMIT _batch
  )
  DELETE FROM rustygpt.events e USING excess
  WHERE e.conversation_id = excess.conversation_id AND e.number = excess.number;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END
$$;
