-- Whether the retention has something to delete in a conversation; see expire_messages,
-- purge_deleted_messages and remove_empty_threads. As the system.
CREATE OR REPLACE FUNCTION rustygpt.has_expired(_conversation_id uuid, _now timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE _limits record;
BEGIN
  SELECT * INTO _limits FROM rustygpt.retention_of(_conversation_id, _now);
  RETURN EXISTS (
      SELECT 1 FROM rustygpt.messages m WHERE m.conversation_id = _conversation_id
        AND m.deleted_at IS NULL AND m.created_at < _limits.messages_before)
    OR EXISTS (
      SELECT 1 FROM rustygpt.revisions v WHERE v.conversation_id = _conversation_id
        AND v.change = 'deleted' AND v.replaced_at < _limits.deleted_before)
    OR EXISTS (
      SELECT 1 FROM rustygpt.revisions v WHERE v.conversation_id = _conversation_id
        AND v.change = 'deleted' AND v.written_at < _limits.messages_before)
    OR EXISTS (
      SELECT 1 FROM rustygpt.threads t WHERE t.conversation_id = _conversation_id
        AND t.last_activity_at < _limits.messages_before AND t.message_count = 0);
END
$$;
