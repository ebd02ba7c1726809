-- Post several messages in one statement; returns a result for each. See post_message for the
-- rules. Each message is posted as its own actor and in its own subtransaction, so that an error
-- in one does not undo the others. A parent must exist before the statement. Without `_wait` the
-- statement waits for no lock: a message whose conversation or idempotency key another transaction
-- has locked gets the state `busy`. Locks are taken in a fixed order, keys before conversations
-- and both sorted, so that two statements cannot deadlock.
CREATE OR REPLACE FUNCTION rustygpt.post_messages(
  _messages rustygpt.new_message[], _instance_id text, _default_model text,
  _lease_until timestamptz, _now timestamptz, _wait boolean
) RETURNS SETOF rustygpt.post_result
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _new rustygpt.new_message;
  _result rustygpt.post_result;
  _conversation_ids uuid[];
  _locked uuid[];
  _busy uuid[] := '{}';
  _ordinal integer := 0;
BEGIN
  PERFORM rustygpt.set_actor_system();
  _conversation_ids := ARRAY(
    SELECT COALESCE(m.conversation_id, rustygpt.conversation_of(m.parent_id))
    FROM unnest(_messages) WITH ORDINALITY AS m ORDER BY m.ordinality);
  IF _wait THEN
    PERFORM pg_advisory_xact_lock(k.lock_id) FROM (
      SELECT DISTINCT rustygpt.idempotency_lock_id(m.actor, m.idempotency_key) AS lock_id
      FROM unnest(_messages) AS m WHERE m.idempotency_key IS NOT NULL ORDER BY lock_id) AS k;
    PERFORM 1 FROM rustygpt.conversations c WHERE c.id = ANY (_conversation_ids)
    ORDER BY c.id FOR NO KEY UPDATE;
  ELSE
    _locked := ARRAY(SELECT c.id FROM rustygpt.conversations c
      WHERE c.id = ANY (_conversation_ids) ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED);
    _busy := ARRAY(SELECT c.id FROM rustygpt.conversations c
      WHERE c.id = ANY (_conversation_ids) AND c.id <> ALL (_locked));
  END IF;
  FOREACH _new IN ARRAY _messages LOOP
    _ordinal := _ordinal + 1;
    _new.conversation_id := _conversation_ids[_ordinal];
    _result := NULL;
    IF COALESCE(_new.conversation_id = ANY (_busy), false)
      OR (NOT _wait AND _new.idempotency_key IS NOT NULL AND NOT pg_try_advisory_xact_lock(
        rustygpt.idempotency_lock_id(_new.actor, _new.idempotency_key)))
    THEN
      _result.state := 'busy';
      _result.conversation_id := _new.conversation_id;
    ELSE
      BEGIN
        _result := rustygpt.post_message(_new, _instance_id, _default_model, _lease_until, _now);
      EXCEPTION WHEN OTHERS THEN
        _result.state := SQLSTATE;
        _result.reason := SQLERRM;
      END;
    END IF;
    _result.ordinal := _ordinal;
    RETURN NEXT _result;
  END LOOP;
END
$$;
