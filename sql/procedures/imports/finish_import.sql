-- Finish an import: from the commit on the actor owns its conversations, with everything read. If a
-- request with the same idempotency key was faster, returns its response, and this import is dropped.
CREATE OR REPLACE FUNCTION rustygpt.finish_import(
  _actor uuid, _import_id uuid, _key text, _body_hash bytea, _response text, _now timestamptz
) RETURNS TABLE (response text, replayed boolean, conversation_ids uuid[], event_numbers bigint[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _stored json;
  _conversations uuid[];
  _positions bigint[];
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  _stored := rustygpt.idempotency_lookup(_actor, _key, _body_hash, _now);
  PERFORM rustygpt.lock_import(_actor, _import_id, _now);
  IF _stored IS NOT NULL THEN
    PERFORM rustygpt.drop_import(_import_id, _now);
    RETURN QUERY SELECT _stored::text, true, '{}'::uuid[], '{}'::bigint[];
    RETURN;
  END IF;
  PERFORM rustygpt.check_may_write(_actor);
  SELECT array_agg(c.id ORDER BY c.id), array_agg(c.last_event_number ORDER BY c.id)
  INTO _conversations, _positions
  FROM rustygpt.import_conversations i JOIN rustygpt.conversations c ON c.id = i.conversation_id
  WHERE i.import_id = _import_id;
  INSERT INTO rustygpt.participants (conversation_id, user_id, role, joined_at, joined_at_event,
    read_event)
  SELECT c.id, _actor, 'owner', _now, c.last_event_number, c.last_event_number
  FROM rustygpt.conversations c WHERE c.id = ANY (_conversations);
  DELETE FROM rustygpt.imports i WHERE i.id = _import_id;
  PERFORM rustygpt.idempotency_store(_actor, _key, _body_hash, _response::json, _now);
  PERFORM rustygpt.audit('conversation.imported', _actor, 'import', _import_id,
    _details => json_build_object('conversations', cardinality(_conversations)));
  PERFORM rustygpt.log_added_conversations(_actor, _conversations, _positions);
  RETURN QUERY SELECT _response, false, _conversations, _positions;
END
$$;
