-- Post one root (without a parent) or reply, number and log its events, and start the assistant's
-- answer when the conversation's mode and the text ask for one, all in this transaction. A request
-- that repeats an idempotency key gets the ids of the first one again, `replayed`, without events.
-- A post beyond the limit of its author in this conversation has the state RG429; nothing is stored.
CREATE OR REPLACE FUNCTION rustygpt.post_message(
  _new rustygpt.new_message, _instance_id text, _default_model text, _lease_until timestamptz,
  _now timestamptz
) RETURNS rustygpt.post_result
LANGUAGE plpgsql AS $$
DECLARE
  _access record;
  _conversation rustygpt.conversations;
  _stored json;
  _accepted boolean;
  _message rustygpt.messages;
  _answer rustygpt.messages;
  _thread rustygpt.threads;
  _result rustygpt.post_result;
BEGIN
  SELECT * INTO _access FROM rustygpt.authorize_write(_new.actor, _new.conversation_id, 'member',
    CASE WHEN _new.parent_id IS NULL THEN 'conversation' ELSE 'message' END);
  PERFORM rustygpt.check_message_role(_new.role, _access.my_role);
  _stored := rustygpt.idempotency_lookup(_new.actor, _new.idempotency_key, _new.body_hash, _now);
  IF _stored IS NOT NULL THEN
    _result := json_populate_record(NULL::rustygpt.post_result, _stored);
    _result.replayed := true;
    RETURN _result;
  END IF;
  IF _new.limit_burst IS NOT NULL THEN
    SELECT c.accepted, c.full_at INTO _accepted, _result.limit_full_at
    FROM rustygpt.take_from_cell(rustygpt.limit_cell_key('post', _new.limit_profile,
        _new.actor::text, _new.conversation_id::text),
      _new.actor, _new.limit_interval_us, _new.limit_burst, false, _now) AS c;
    IF NOT _accepted THEN
      _result.state := 'RG429';
      RETURN _result;
    END IF;
  END IF;
  _conversation := _access.conversation;
  PERFORM rustygpt.check_not_archived(_conversation);
  _message := rustygpt.insert_message(_new, _conversation, _now);
  IF _new.answer_id IS NOT NULL
    AND rustygpt.wants_answer(_conversation.assistant_mode, _new.role, _new.content)
  THEN
    _answer := rustygpt.begin_answer(_message, _new.answer_id,
      COALESCE(_new.model, _conversation.model, _default_model), _instance_id, _lease_until);
  END IF;
  SELECT * INTO _thread FROM rustygpt.threads t WHERE t.root_id = _message.root_id;
  SELECT * INTO _result.event_numbers, _result.event_types, _result.event_payloads
  FROM rustygpt.log_post_events(_message, _answer, _thread, _now);
  PERFORM rustygpt.idempotency_store(_new.actor, _new.idempotency_key, _new.body_hash,
    json_build_object('message_id', _message.id, 'root_id', _message.root_id,
      'conversation_id', _message.conversation_id, 'depth', _message.depth,
      'parent_id', _message.parent_id, 'answer_id', _answer.id, 'answer_model', _answer.model),
    _now);
  _result.message_id := _message.id;
  _result.root_id := _message.root_id;
  _result.conversation_id := _message.conversation_id;
  _result.depth := _message.depth;
  _result.parent_id := _message.parent_id;
  _result.replayed := false;
  _result.answer_id := _answer.id;
  _result.answer_model := _answer.model;
  RETURN _result;
END
$$;
