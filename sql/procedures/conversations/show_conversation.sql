-- One conversation with its last event number. For its participants.
CREATE OR REPLACE FUNCTION rustygpt.show_conversation(_actor uuid, _conversation_id uuid)
RETURNS TABLE (id uuid, title text, is_group boolean, role text, unread integer,
  last_activity_at timestamptz, participant_count integer, assistant_mode text,
  created_at timestamptz, last_message_excerpt text, model text, system_prompt text,
  archived_at timestamptz, "position" bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  RETURN QUERY SELECT c.id, c.title, c.is_group, p.role,
      rustygpt.unread_in_conversation(c.id, p.user_id, p.joined_at_event), c.last_activity_at,
      c.participant_count, c.assistant_mode, c.created_at, c.last_message_excerpt, c.model,
      rustygpt.visible_system_prompt(p.role, c.system_prompt), c.archived_at,
      c.last_event_number
    FROM rustygpt.conversations c JOIN rustygpt.participants p ON p.conversation_id = c.id
    WHERE c.id = _conversation_id AND p.user_id = _actor;
END
$$;
