-- Start another answer to the question of an answer: a new sibling, the old one stays. For the user who
-- asked, and for administrators of the conversation. The model is `_model`, else that of the old answer
-- if it is among the `_configured` ones, else the conversation's, else the default. A request that
-- repeats an idempotency key gets the ids of the first one again, `replayed`, without events.
CREATE OR REPLACE FUNCTION rustygpt.regenerate_answer(
  _actor uuid, _message_id uuid, _model text, _configured text[], _key text, _body_hash bytea,
  _answer_id uuid, _instance_id text, _default_model text, _lease_until timestamptz,
  _now timestamptz
) RETURNS SETOF rustygpt.post_result
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _access record;
  _old rustygpt.messages;
  _question rustygpt.messages;
  _answer rustygpt.messages;
  _conversation rustygpt.conversations;
  _thread rustygpt.threads;
  _stored json;
  _result rustygpt.post_result;
BEGIN
  SELECT * INTO _access FROM rustygpt.authorize_message_change(_actor, _message_id);
  _conversation := _access.conversation;
  _stored := rustygpt.idempotency_lookup(_actor, _key, _body_hash, _now);
  IF _stored IS NOT NULL THEN
    _result := json_populate_record(NULL::rustygpt.post_result, _stored);
    _result.ordinal := 1;
    _result.replayed := true;
    RETURN NEXT _result;
    RETURN;
  END IF;
  _old := _access.message;
  SELECT * INTO _question FROM rustygpt.messages m WHERE m.id = _old.parent_id;
  PERFORM rustygpt.check_may_regenerate(_conversation, _old, _question);
  UPDATE rustygpt.threads t SET last_activity_at = GREATEST(t.last_activity_at, _now)
  WHERE t.root_id = _old.root_id;
  _question.author_user_id := _actor;
  _question.created_at := _now;
  _question.created_event := _conversation.last_event_number;
  _answer := rustygpt.begin_answer(_question, _answer_id, COALESCE(_model,
    CASE WHEN _old.model = ANY (_configured) THEN _old.model END, _conversation.model,
    _default_model), _instance_id, _lease_until);
  SELECT * INTO STRICT _thread FROM rustygpt.threads t WHERE t.root_id = _old.root_id;
  SELECT * INTO _result.event_numbers, _result.event_types, _result.event_payloads
  FROM rustygpt.log_events(_conversation.id, ARRAY['message.new', 'thread.activity'],
    ARRAY[rustygpt.message_json(_answer), rustygpt.thread_activity_json(_thread)], _now, true);
  _result.message_id := _answer.id;
  _result.root_id := _answer.root_id;
  _result.conversation_id := _answer.conversation_id;
  _result.depth := _answer.depth;
  _result.parent_id := _answer.parent_id;
  _result.answer_id := _answer.id;
  _result.answer_model := _answer.model;
  PERFORM rustygpt.idempotency_store(_actor, _key, _body_hash,
    json_build_object('message_id', _answer.id, 'root_id', _answer.root_id,
      'conversation_id', _answer.conversation_id, 'depth', _answer.depth,
      'parent_id', _answer.parent_id, 'answer_id', _answer.id, 'answer_model', _answer.model),
    _now);
  _result.ordinal := 1;
  _result.replayed := false;
  RETURN NEXT _result;
END
$$;
