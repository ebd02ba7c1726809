-- Delete an import: its conversations become deleted ones, which purge_conversations empties in
-- batches. Acts as the system.
CREATE OR REPLACE FUNCTION rustygpt.drop_import(_import_id uuid, _now timestamptz) RETURNS void
LANGUAGE sql AS $$
  UPDATE rustygpt.conversations c SET deleted_at = _now, title = '', model = NULL,
    system_prompt = NULL, last_message_id = NULL, last_message_excerpt = NULL,
    participant_count = 0
  FROM rustygpt.import_conversations i
  WHERE i.import_id = _import_id AND c.id = i.conversation_id;
  INSERT INTO rustygpt.purges (conversation_id, deleted_at)
  SELECT i.conversation_id, _now FROM rustygpt.import_conversations i
  WHERE i.import_id = _import_id;
  DELETE FROM rustygpt.imports i WHERE i.id = _import_id
$$;
