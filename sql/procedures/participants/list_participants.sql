-- The participants of a conversation by user name. For its participants.
CREATE OR REPLACE FUNCTION rustygpt.list_participants(_actor uuid, _conversation_id uuid)
RETURNS TABLE ("position" bigint, more boolean, user_id uuid, username text, role text,
  joined_at timestamptz, display_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  RETURN QUERY SELECT c.last_event_number, false, u.id, u.username, p.role, p.joined_at,
      u.display_name
    FROM rustygpt.conversations c
      JOIN rustygpt.participants p ON p.conversation_id = c.id
      JOIN rustygpt.users u ON u.id = p.user_id
    WHERE c.id = _conversation_id ORDER BY u.username_key;
END
$$;
