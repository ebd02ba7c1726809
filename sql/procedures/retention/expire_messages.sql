-- Delete the text of up to `_batch` messages of a conversation that are older than its retention
-- permits: as delete_message, but no revision is kept, and earlier ones and stored chunks are deleted.
-- An answer in progress is not touched. For the system. Returns how many messages there were, and the
-- events.
CREATE OR REPLACE FUNCTION rustygpt.expire_messages(
  _conversation_id uuid, _batch integer, _now timestamptz,
  OUT expired integer, OUT event_numbers bigint[], OUT event_types text[],
  OUT event_payloads text[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _before timestamptz;
  _conversation rustygpt.conversations;
  _message rustygpt.messages;
  _ids uuid[];
  _logged record;
BEGIN
  PERFORM rustygpt.set_actor_system();
  expired := 0;
  event_numbers := '{}';
  event_types := '{}';
  event_payloads := '{}';
  PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _conversation_id FOR NO KEY UPDATE;
  _before := (rustygpt.retention_of(_conversation_id, _now)).messages_before;
  _ids := ARRAY(SELECT m.id FROM rustygpt.messages m
    WHERE m.conversation_id = _conversation_id AND m.deleted_at IS NULL AND m.created_at < _before
      AND NOT m.streaming
    ORDER BY m.created_at LIMIT _batch);
  DELETE FROM rustygpt.revisions r WHERE r.message_id = ANY (_ids);
  DELETE FROM rustygpt.chunks k WHERE k.message_id = ANY (_ids);
  FOR _message IN
    UPDATE rustygpt.messages m SET content = '', reasoning = NULL, error = NULL,
      deleted_at = _now, deleted_by = NULL
    WHERE m.id = ANY (_ids) RETURNING m.*
  LOOP
    SELECT * INTO STRICT _conversation FROM rustygpt.conversations c
    WHERE c.id = _conversation_id;
    SELECT * INTO _logged FROM rustygpt.log_message_change(
      _conversation, _message, 'deleted', false, _now);
    expired := expired + 1;
    event_numbers := event_numbers || _logged.event_numbers;
    event_types := event_types || _logged.event_types;
    event_payloads := event_payloads || _logged.event_payloads;
  END LOOP;
END
$$;
