-- Before which time texts of a conversation are too old: of messages, and of deleted ones by the time
-- of the deletion. NULL: none is.
CREATE OR REPLACE FUNCTION rustygpt.retention_of(
  _conversation_id uuid, _now timestamptz,
  OUT messages_before timestamptz, OUT deleted_before timestamptz
)
LANGUAGE sql STABLE AS $$
  SELECT _now - make_interval(days => COALESCE(c.messages_days, r.messages_days)),
    _now - make_interval(days => COALESCE(c.deleted_messages_days, r.deleted_messages_days))
  FROM (SELECT _conversation_id AS id) AS o
    LEFT JOIN rustygpt.retention r ON true
    LEFT JOIN rustygpt.conversation_retention c ON c.conversation_id = o.id
$$;
