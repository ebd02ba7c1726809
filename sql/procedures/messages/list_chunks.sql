-- The stored pieces of an answer, from an index on. Participants of its conversation only.
CREATE OR REPLACE FUNCTION rustygpt.list_chunks(
  _actor uuid, _message_id uuid, _first_idx integer, _limit integer
) RETURNS TABLE (message_id uuid, idx integer, content text, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, rustygpt.conversation_of(_message_id), 'message');
  RETURN QUERY SELECT k.message_id, k.idx, k.content, k.created_at FROM rustygpt.chunks k
    WHERE k.message_id = _message_id AND k.idx >= _first_idx ORDER BY k.idx LIMIT _limit;
END
$$;
