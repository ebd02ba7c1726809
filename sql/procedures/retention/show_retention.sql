-- The retention of the server. For global administrators.
CREATE OR REPLACE FUNCTION rustygpt.show_retention(_actor uuid)
RETURNS TABLE (messages_days integer, deleted_messages_days integer, events_days integer,
  audit_days integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  RETURN QUERY SELECT r.messages_days, r.deleted_messages_days, r.events_days, r.audit_days
    FROM (SELECT) AS always LEFT JOIN rustygpt.retention r ON true;
END
$$;
