-- Change the retention of the server, or with `_conversation_id` that of one conversation. Keys that
-- are absent from the JSON object keep their values. For global administrators. Raises RG404 for an
-- unknown conversation.
CREATE OR REPLACE FUNCTION rustygpt.set_retention(
  _actor uuid, _conversation_id uuid, _changes jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  PERFORM rustygpt.set_actor_system();
  IF _conversation_id IS NULL THEN
    INSERT INTO rustygpt.retention (id) VALUES (true) ON CONFLICT (id) DO NOTHING;
    UPDATE rustygpt.retention r SET (messages_days, deleted_messages_days, events_days, audit_days)
      = (SELECT n.messages_days, n.deleted_messages_days, n.events_days, n.audit_days
         FROM jsonb_populate_record(r, _changes) AS n);
    PERFORM rustygpt.audit('retention.changed', _actor, NULL, NULL, _details => _changes::json);
    RETURN;
  END IF;
  PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _conversation_id AND c.deleted_at IS NULL
  FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such conversation.');
  END IF;
  INSERT INTO rustygpt.conversation_retention (conversation_id) VALUES (_conversation_id)
  ON CONFLICT (conversation_id) DO NOTHING;
  UPDATE rustygpt.conversation_retention r SET (messages_days, deleted_messages_days)
    = (SELECT n.messages_days, n.deleted_messages_days FROM jsonb_populate_record(r, _changes) AS n)
  WHERE r.conversation_id = _conversation_id;
  DELETE FROM rustygpt.conversation_retention r WHERE r.conversation_id = _conversation_id
    AND r.messages_days IS NULL AND r.deleted_messages_days IS NULL;
  PERFORM rustygpt.audit('retention.changed', _actor, 'conversation', _conversation_id,
    _conversation_id, _changes::json);
END
$$;
