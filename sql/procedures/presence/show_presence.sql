-- The participants of a conversation by user name, with their presence; the fields are NULL for a
-- user without a heartbeat. For participants.
CREATE OR REPLACE FUNCTION rustygpt.show_presence(_actor uuid, _conversation_id uuid)
RETURNS TABLE ("position" bigint, more boolean, user_id uuid, declared_status text,
  last_seen_at timestamptz, heartbeat_seq bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  RETURN QUERY SELECT c.last_event_number, false, p.user_id, s.declared_status, s.last_seen_at,
      s.heartbeat_seq
    FROM rustygpt.conversations c
      JOIN rustygpt.participants p ON p.conversation_id = c.id
      JOIN rustygpt.users u ON u.id = p.user_id
      LEFT JOIN rustygpt.presence s ON s.user_id = p.user_id
    WHERE c.id = _conversation_id ORDER BY u.username_key;
END
$$;
