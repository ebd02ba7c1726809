-- How many messages, texts of deleted messages, events and audit entries the retention deletes at
-- `_now`, in one conversation or, with NULL, in all; each number is at most `_max`. As the system.
CREATE OR REPLACE FUNCTION rustygpt.count_expired(
  _conversation_id uuid, _now timestamptz, _max integer,
  OUT messages bigint, OUT deleted_messages bigint, OUT events bigint, OUT audit_entries bigint
)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE _retention rustygpt.retention;
BEGIN
  SELECT * INTO _retention FROM rustygpt.retention;
  SELECT count(*) INTO messages FROM (
    SELECT 1 FROM rustygpt.conversations c
      CROSS JOIN LATERAL rustygpt.retention_of(c.id, _now) AS r
      JOIN rustygpt.messages m ON m.conversation_id = c.id AND m.created_at < r.messages_before
    WHERE m.deleted_at IS NULL AND NOT m.streaming AND c.deleted_at IS NULL
      AND (_conversation_id IS NULL OR c.id = _conversation_id) LIMIT _max) AS counted;
  SELECT count(*) INTO deleted_messages FROM (
    SELECT 1 FROM rustygpt.conversations c
      CROSS JOIN LATERAL rustygpt.retention_of(c.id, _now) AS r
      JOIN rustygpt.revisions v ON v.conversation_id = c.id
        AND (v.replaced_at < r.deleted_before OR v.written_at < r.messages_before)
    WHERE v.change = 'deleted' AND c.deleted_at IS NULL
      AND (_conversation_id IS NULL OR c.id = _conversation_id) LIMIT _max) AS counted;
  SELECT count(*) INTO events FROM (
    SELECT 1 FROM rustygpt.events e
    WHERE e.created_at < _now - make_interval(days => _retention.events_days)
      AND _conversation_id IS NULL LIMIT _max) AS counted;
  SELECT count(*) INTO audit_entries FROM (
    SELECT 1 FROM rustygpt.audit_entries a
    WHERE a.created_at < _now - make_interval(days => _retention.audit_days)
      AND _conversation_id IS NULL LIMIT _max) AS counted;
END
$$;
