-- Write a root (no parent) or a reply, number and log its events, and begin the assistant's answer
-- when the conversation's mode asks for one: all in this transaction.
CREATE OR REPLACE FUNCTION rustygpt.post_message(
  _actor uuid, _conversation_id uuid, _parent_id uuid, _id uuid, _content text, _role text, _model text,
  _key text, _body_hash bytea, _answer_id uuid, _instance_id text, _default_model text,
  _lease_until timestamptz, _now timestamptz
) RETURNS TABLE (message_id uuid, root_id uuid, conversation_id uuid, depth integer,
  parent_id uuid, replayed boolean, event_numbers bigint[], event_types text[],
  event_payloads text[], answer_id uuid, answer_model text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _access record;
  _stored json;
  _logged record;
  _message rustygpt.messages;
  _answer rustygpt.messages;
  _thread rustygpt.threads;
BEGIN
  SELECT * INTO _access FROM rustygpt.authorize_write(_actor, _conversation_id, 'member',
    CASE WHEN _parent_id IS NULL THEN 'conversation' ELSE 'message' END);
  PERFORM rustygpt.check_message_role(_role, _access.my_role);
  _stored := rustygpt.idempotency_lookup(_actor, _key, _body_hash, _now);
  IF _stored IS NOT NULL THEN
    RETURN QUERY SELECT k.message_id, k.root_id, k.conversation_id, k.depth, k.parent_id, true,
      '{}'::bigint[], '{}'::text[], '{}'::text[], NULL::uuid, NULL::text
    FROM json_to_record(_stored) AS k (message_id uuid, root_id uuid, conversation_id uuid,
      depth integer, parent_id uuid);
    RETURN;
  END IF;
  _message := rustygpt.insert_message(_actor, _access.conversation, _parent_id, _id, _content, _role, _now);
  IF _answer_id IS NOT NULL AND _role = 'user'
    AND rustygpt.wants_answer((_access.conversation).assistant_mode, _content)
  THEN
    _answer := rustygpt.begin_answer(_message, _answer_id,
      COALESCE(_model, (_access.conversation).model, _default_model), _instance_id, _lease_until);
  END IF;
  SELECT * INTO _thread FROM rustygpt.threads t WHERE t.root_id = _message.root_id;
  SELECT * INTO _logged FROM rustygpt.log_post_events(_message, _answer, _thread, _now);
  PERFORM rustygpt.idempotency_store(_actor, _key, _body_hash, json_build_object(
    'message_id', _message.id, 'root_id', _message.root_id, 'conversation_id', _message.conversation_id,
    'depth', _message.depth, 'parent_id', _message.parent_id), _now);
  RETURN QUERY SELECT _message.id, _message.root_id, _message.conversation_id, _message.depth, _message.parent_id, false,
    _logged.event_numbers, _logged.event_types, _logged.event_payloads, _answer.id, _answer.model;
END
$$;
