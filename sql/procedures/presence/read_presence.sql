-- What is known of these people's presence, and where wished the conversations they are in; who was
-- never seen is left out. For the system.
CREATE OR REPLACE FUNCTION rustygpt.read_presence(_users uuid[], _with_rooms boolean)
RETURNS TABLE (user_id uuid, said text, last_seen_at timestamptz, beats bigint,
  conversation_ids uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.act_as_system();
  RETURN QUERY SELECT s.user_id, s.said, s.last_seen_at, s.beats,
      CASE WHEN _with_rooms THEN ARRAY(
        SELECT p.conversation_id FROM rustygpt.participants p WHERE p.user_id = s.user_id
      ) ELSE '{}'::uuid[] END
    FROM rustygpt.presence s WHERE s.user_id = ANY (_users);
END
$$;
