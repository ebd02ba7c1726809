-- The open streams that are no longer authorized, by their ordinal in the arrays, with the reason.
-- `_sessions` has the ids of sessions and of personal tokens. For a stream without a conversation
-- only session or token, and account are checked. For the system.
CREATE OR REPLACE FUNCTION rustygpt.find_revoked_streams(
  _sessions uuid[], _generations integer[], _users uuid[], _conversations uuid[],
  _now timestamptz
) RETURNS TABLE (ordinal integer, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT r.ordinal::integer, CASE WHEN s.id IS NULL AND t.id IS NULL
        THEN 'session_ended'
      WHEN s.generation > r.generation THEN 'password_changed' ELSE 'removed' END
    FROM unnest(_sessions, _generations, _users, _conversations) WITH ORDINALITY
        AS r (session_id, generation, user_id, conversation_id, ordinal)
      LEFT JOIN rustygpt.sessions s ON s.id = r.session_id AND s.user_id = r.user_id
        AND s.expires_at > _now
      LEFT JOIN rustygpt.personal_tokens t ON t.id = r.session_id AND t.user_id = r.user_id
        AND (t.expires_at IS NULL OR t.expires_at > _now)
      LEFT JOIN rustygpt.users u ON u.id = r.user_id AND u.disabled_at IS NULL
      LEFT JOIN rustygpt.participants p
        ON p.conversation_id = r.conversation_id AND p.user_id = r.user_id
    WHERE (s.id IS NULL AND t.id IS NULL) OR u.id IS NULL OR s.generation > r.generation
      OR (p.user_id IS NULL AND r.conversation_id IS NOT NULL)
    ORDER BY r.ordinal;
END
$$;
