-- Write roots (by conversation) and replies (by parent, which was there before) of several people,
-- by place in the arrays; see write_message. Each is written as its actor and in a block of its own:
-- what refuses one, told by its state and reason, refuses no other. Without `_wait` nothing is
-- waited for: what somebody else is writing to is told as `busy`, with its conversation. Locks are
-- taken in one order, keys before conversations, so that no two statements wait for each other.
CREATE OR REPLACE FUNCTION rustygpt.post_messages(
  _actors uuid[], _conversations uuid[], _parents uuid[], _ids uuid[], _contents text[],
  _roles text[], _models text[], _keys text[], _body_hashes bytea[], _answer_ids uuid[],
  _instance_id text, _default_model text, _lease_until timestamptz, _now timestamptz, _wait boolean
) RETURNS TABLE (ordinal integer, state text, reason text, message_id uuid, root_id uuid,
  conversation_id uuid, depth integer, parent_id uuid, replayed boolean, event_numbers bigint[],
  event_types text[], event_payloads text[], answer_id uuid, answer_model text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _post record;
  _conversation_ids uuid[];
  _busy uuid[];
BEGIN
  PERFORM rustygpt.set_actor_system();
  _conversation_ids := ARRAY(SELECT COALESCE(p.conversation_id, rustygpt.conversation_of(p.parent))
    FROM unnest(_conversations, _parents) WITH ORDINALITY AS p (conversation_id, parent, ordinal)
    ORDER BY p.ordinal);
  IF _wait THEN
    PERFORM pg_advisory_xact_lock(k.lock) FROM (
      SELECT DISTINCT rustygpt.idempotency_lock_id(p.actor, p.key) AS lock
      FROM unnest(_actors, _keys) AS p (actor, key) WHERE p.key IS NOT NULL ORDER BY lock) AS k;
    PERFORM 1 FROM rustygpt.conversations c WHERE c.id = ANY (_conversation_ids)
    ORDER BY c.id FOR NO KEY UPDATE;
    _busy := '{}';
  ELSE
    _busy := ARRAY(SELECT c.id FROM rustygpt.conversations c
      WHERE c.id = ANY (_conversation_ids) ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED);
    _busy := ARRAY(SELECT c.id FROM rustygpt.conversations c
      WHERE c.id = ANY (_conversation_ids) AND c.id <> ALL (_busy));
  END IF;
  FOR _post IN SELECT * FROM unnest(_actors, _conversation_ids, _parents, _ids, _contents, _roles, _models,
      _keys, _body_hashes, _answer_ids) WITH ORDINALITY AS p (actor, conversation_id, parent, id, content,
      role, model, key, body_hash, answer_id, ordinal) ORDER BY p.ordinal
  LOOP
    IF COALESCE(_post.conversation_id = ANY (_busy), false) OR (NOT _wait AND _post.key IS NOT NULL
      AND NOT pg_try_advisory_xact_lock(rustygpt.idempotency_lock_id(_post.actor, _post.key)))
    THEN
      RETURN QUERY SELECT _post.ordinal::integer, 'busy', NULL, NULL::uuid, NULL::uuid, _post.conversation_id,
        NULL::integer, NULL::uuid, NULL::boolean, NULL::bigint[], NULL::text[], NULL::text[],
        NULL::uuid, NULL;
      CONTINUE;
    END IF;
    BEGIN
      RETURN QUERY SELECT _post.ordinal::integer, NULL, NULL, w.* FROM rustygpt.post_message(
        _post.actor, _post.conversation_id, _post.parent, _post.id, _post.content, _post.role, _post.model,
        _post.key, _post.body_hash, _post.answer_id, _instance_id, _default_model, _lease_until, _now
      ) AS w;
    EXCEPTION WHEN OTHERS THEN
      RETURN QUERY SELECT _post.ordinal::integer, SQLSTATE, SQLERRM, NULL::uuid, NULL::uuid,
        NULL::uuid, NULL::integer, NULL::uuid, NULL::boolean, NULL::bigint[], NULL::text[],
        NULL::text[], NULL::uuid, NULL;
    END;
  END LOOP;
END
$$;
