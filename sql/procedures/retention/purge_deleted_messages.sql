-- Delete the kept texts of up to `_batch` deleted messages of a conversation: those that were deleted
-- longer ago than the retention permits, and those whose text is too old. They cannot be restored
-- from then on. For the system. Returns how many messages there were.
CREATE OR REPLACE FUNCTION rustygpt.purge_deleted_messages(
  _conversation_id uuid, _batch integer, _now timestamptz
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _limits record;
  _ids uuid[];
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _conversation_id FOR NO KEY UPDATE;
  SELECT * INTO _limits FROM rustygpt.retention_of(_conversation_id, _now);
  _ids := ARRAY(
    (SELECT v.message_id FROM rustygpt.revisions v
     WHERE v.conversation_id = _conversation_id AND v.change = 'deleted'
       AND v.replaced_at < _limits.deleted_before ORDER BY v.replaced_at LIMIT _batch)
    UNION
    (SELECT v.message_id FROM rustygpt.revisions v
     WHERE v.conversation_id = _conversation_id AND v.change = 'deleted'
       AND v.written_at < _limits.messages_before ORDER BY v.written_at LIMIT _batch));
  DELETE FROM rustygpt.revisions r WHERE r.message_id = ANY (_ids);
  DELETE FROM rustygpt.chunks k WHERE k.message_id = ANY (_ids);
  RETURN cardinality(_ids);
END
$$;
