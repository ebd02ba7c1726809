-- The actor's conversations, latest activity first, after the one at (`_before`, `_before_id`), each
-- with its last event number.
CREATE OR REPLACE FUNCTION rustygpt.list_conversations(
  _actor uuid, _archived boolean, _before timestamptz, _before_id uuid, _limit integer
) RETURNS TABLE (id uuid, title text, is_group boolean, role text, unread integer,
  last_activity_at timestamptz, participant_count integer, assistant_mode text,
  created_at timestamptz, last_message_excerpt text, model text, system_prompt text,
  archived_at timestamptz, "position" bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT c.id, c.title, c.is_group, p.role,
      rustygpt.unread_in_conversation(c.id, p.user_id, p.joined_at_event), c.last_activity_at,
      c.participant_count, c.assistant_mode, c.created_at, c.last_message_excerpt, c.model,
      rustygpt.visible_system_prompt(p.role, c.system_prompt), c.archived_at, c.last_event_number
    FROM (
      SELECT o.*, m.role, m.user_id, m.joined_at_event FROM rustygpt.participants m
        JOIN rustygpt.conversations o ON o.id = m.conversation_id
      WHERE m.user_id = _actor AND (o.archived_at IS NOT NULL) = _archived
        AND (_before IS NULL OR (o.last_activity_at, o.id) < (_before, _before_id))
      ORDER BY o.last_activity_at DESC, o.id DESC LIMIT _limit
    ) AS c CROSS JOIN LATERAL (SELECT c.role, c.user_id, c.joined_at_event) AS p
    ORDER BY c.last_activity_at DESC, c.id DESC;
END
$$;
