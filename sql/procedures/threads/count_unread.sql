-- The unread counts of (thread, user) pairs of one conversation, by their ordinal in the arrays;
-- users who have left are omitted. The counts are those at the event number `position` and at the
-- read marker's `version`, which is 0 without a marker. For the system.
CREATE OR REPLACE FUNCTION rustygpt.count_unread(
  _conversation_id uuid, _root_ids uuid[], _user_ids uuid[]
) RETURNS TABLE (ordinal integer, unread integer, read_seq integer, "position" bigint,
  version bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT w.ordinal::integer, rustygpt.unread_in_thread(w.root_id, w.user_id, s.read_seq),
      s.read_seq, c.last_event_number, COALESCE(r.version, 0)
    FROM rustygpt.conversations c
      CROSS JOIN unnest(_root_ids, _user_ids) WITH ORDINALITY AS w (root_id, user_id, ordinal)
      JOIN rustygpt.participants p ON p.conversation_id = c.id AND p.user_id = w.user_id
      LEFT JOIN rustygpt.read_markers r ON r.user_id = w.user_id AND r.root_id = w.root_id
      CROSS JOIN LATERAL rustygpt.effective_read_seq(w.root_id, p.joined_at_event, r.read_seq)
        AS s (read_seq)
    WHERE c.id = _conversation_id;
END
$$;
