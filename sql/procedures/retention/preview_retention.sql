-- How much the retention would delete at `_now` after a change as for set_retention; each number is at
-- most `_max`. Makes the change, counts, and undoes it. For global administrators. Raises RG404 for an
-- unknown conversation.
CREATE OR REPLACE FUNCTION rustygpt.preview_retention(
  _actor uuid, _conversation_id uuid, _changes jsonb, _now timestamptz, _max integer
) RETURNS TABLE (messages bigint, deleted_messages bigint, events bigint, audit_entries bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _counted record;
BEGIN
  BEGIN
    PERFORM rustygpt.set_retention(_actor, _conversation_id, _changes);
    SELECT * INTO _counted FROM rustygpt.count_expired(_conversation_id, _now, _max);
    RAISE EXCEPTION USING ERRCODE = 'RG001';
  EXCEPTION WHEN SQLSTATE 'RG001' THEN NULL;
  END;
  RETURN QUERY SELECT _counted.messages, _counted.deleted_messages, _counted.events,
    _counted.audit_entries;
END
$$;
