-- Delete a conversation for all its participants. For owners. From the commit on nobody can read it;
-- the row stays as a tombstone with id and position, and purge_conversations deletes what is in it.
-- Answers in progress lose their lease, and count for who asked for them; invites are gone.
CREATE OR REPLACE FUNCTION rustygpt.delete_conversation(
  _actor uuid, _conversation_id uuid, _now timestamptz
) RETURNS TABLE (event_numbers bigint[], event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _logged record;
BEGIN
  PERFORM rustygpt.authorize_write(_actor, _conversation_id, 'owner', 'conversation');
  SELECT * INTO _logged FROM rustygpt.log_events(_conversation_id, ARRAY['conversation.deleted'],
    ARRAY[json_build_object('conversation_id', _conversation_id)::text], _now);
  PERFORM rustygpt.add_unfinished_usage(_conversation_id, _now);
  DELETE FROM rustygpt.generations g WHERE g.conversation_id = _conversation_id;
  DELETE FROM rustygpt.invites i WHERE i.conversation_id = _conversation_id;
  DELETE FROM rustygpt.participants p WHERE p.conversation_id = _conversation_id;
  UPDATE rustygpt.conversations c SET deleted_at = _now, title = '', model = NULL,
    system_prompt = NULL, last_message_id = NULL, last_message_excerpt = NULL,
    participant_count = 0
  WHERE c.id = _conversation_id;
  INSERT INTO rustygpt.purges (conversation_id, deleted_at) VALUES (_conversation_id, _now);
  PERFORM rustygpt.log_access_changes('conversation_deleted', _actor,
    _conversation_id => _conversation_id, _event_number => _logged.event_numbers[1]);
  PERFORM rustygpt.audit('conversation.deleted', _actor, 'conversation', _conversation_id,
    _conversation_id);
  RETURN QUERY SELECT _logged.event_numbers, _logged.event_types, _logged.event_payloads;
END
$$;
