-- The last event numbers of conversations; unknown conversations are omitted. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_positions(_conversations uuid[])
RETURNS TABLE (conversation_id uuid, "position" bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT c.id, c.last_event_number FROM rustygpt.conversations c
    WHERE c.id = ANY (_conversations);
END
$$;
