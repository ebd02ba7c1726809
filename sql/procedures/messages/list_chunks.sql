-- The stored chunks of an answer from `_first_idx` on; none while it is deleted. For participants of
-- its conversation.
CREATE OR REPLACE FUNCTION rustygpt.list_chunks(
  _actor uuid, _message_id uuid, _first_idx integer, _limit integer
) RETURNS TABLE (message_id uuid, idx integer, content text, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, rustygpt.conversation_of(_message_id), 'message');
  RETURN QUERY SELECT c.message_id, c.idx, c.content, c.created_at FROM rustygpt.chunks c
      JOIN rustygpt.messages m ON m.id = c.message_id AND m.deleted_at IS NULL
    WHERE c.message_id = _message_id AND c.idx >= _first_idx ORDER BY c.idx LIMIT _limit;
END
$$;
