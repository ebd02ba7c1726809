-- The conversations with a retention of their own, by id, after `_after`. For global administrators.
CREATE OR REPLACE FUNCTION rustygpt.list_conversation_retention(
  _actor uuid, _after uuid, _limit integer
) RETURNS TABLE (conversation_id uuid, messages_days integer, deleted_messages_days integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  RETURN QUERY SELECT r.conversation_id, r.messages_days, r.deleted_messages_days
    FROM rustygpt.conversation_retention r
    WHERE _after IS NULL OR r.conversation_id > _after
    ORDER BY r.conversation_id LIMIT _limit;
END
$$;
