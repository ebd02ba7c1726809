-- Number events of a conversation and append them to its log. Locks the row of the conversation, if
-- the caller has not. `_active` also updates the conversation's last activity, `_excerpt` the
-- excerpt that the list of conversations shows, which is that of `_message_id`. A connection with the setting
-- rustygpt.persist_events = off numbers the events without storing them.
CREATE OR REPLACE FUNCTION rustygpt.log_events(
  _conversation_id uuid, _types text[], _payloads text[], _now timestamptz,
  _active boolean DEFAULT false, _excerpt text DEFAULT NULL,
  _message_id uuid DEFAULT NULL,
  OUT event_numbers bigint[], OUT event_types text[], OUT event_payloads text[]
)
LANGUAGE plpgsql AS $$
DECLARE
  _last bigint;
  _count integer := cardinality(_types);
BEGIN
  UPDATE rustygpt.conversations c SET last_event_number = c.last_event_number + _count,
    last_activity_at = CASE WHEN _active THEN GREATEST(c.last_activity_at, _now)
      ELSE c.last_activity_at END,
    last_message_id = CASE WHEN _excerpt IS NULL THEN c.last_message_id ELSE _message_id END,
    last_message_excerpt = COALESCE(_excerpt, c.last_message_excerpt)
  WHERE c.id = _conversation_id RETURNING c.last_event_number INTO STRICT _last;
  IF current_setting('rustygpt.persist_events', true) IS DISTINCT FROM 'off' THEN
    INSERT INTO rustygpt.events (conversation_id, number, type, payload, created_at)
    SELECT _conversation_id, _last - _count + e.ordinality, e.type, e.payload::json, _now
    FROM unnest(_types, _payloads) WITH ORDINALITY AS e (type, payload, ordinality);
  END IF;
  event_numbers := ARRAY(SELECT generate_series(_last - _count + 1, _last));
  event_types := _types;
  event_payloads := _payloads;
END
$$;
