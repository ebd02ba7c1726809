-- Write a root (no parent) or a reply, number and log its events, and begin the assistant's answer
-- when the conversation's mode asks for one: all in this transaction.
CREATE OR REPLACE FUNCTION rustygpt.write_message(
  _actor uuid, _conversation_id uuid, _parent_id uuid, _id uuid, _content text, _role text, _model text,
  _key text, _body_hash bytea, _answer_id uuid, _runner text, _default_model text,
  _lease_until timestamptz, _now timestamptz
) RETURNS TABLE (message_id uuid, root_id uuid, conversation_id uuid, depth integer,
  parent_id uuid, replayed boolean, event_numbers bigint[], event_types text[],
  event_payloads text[], answer_id uuid, answer_model text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _entry record;
  _known json;
  _told record;
  _m rustygpt.messages;
  _a rustygpt.messages;
  _t rustygpt.threads;
BEGIN
  SELECT * INTO _entry FROM rustygpt.enter_to_write(_actor, _conversation_id, 'member',
    CASE WHEN _parent_id IS NULL THEN 'conversation' ELSE 'message' END);
  PERFORM rustygpt.refuse_claim(_role, _entry.my_role);
  _known := rustygpt.recall(_actor, _key, _body_hash, _now);
  IF _known IS NOT NULL THEN
    RETURN QUERY SELECT k.message_id, k.root_id, k.conversation_id, k.depth, k.parent_id, true,
      '{}'::bigint[], '{}'::text[], '{}'::text[], NULL::uuid, NULL::text
    FROM json_to_record(_known) AS k (message_id uuid, root_id uuid, conversation_id uuid,
      depth integer, parent_id uuid);
    RETURN;
  END IF;
  _m := rustygpt.insert_message(_actor, _entry.room, _parent_id, _id, _content, _role, _now);
  IF _answer_id IS NOT NULL AND _role = 'user'
    AND rustygpt.asks_assistant((_entry.room).assistant_mode, _content)
  THEN
    _a := rustygpt.begin_answer(_m, _answer_id,
      COALESCE(_model, (_entry.room).model, _default_model), _runner, _lease_until);
  END IF;
  SELECT * INTO _t FROM rustygpt.threads t WHERE t.root_id = _m.root_id;
  SELECT * INTO _told FROM rustygpt.log_post(_m, _a, _t, _now);
  PERFORM rustygpt.remember(_actor, _key, _body_hash, json_build_object(
    'message_id', _m.id, 'root_id', _m.root_id, 'conversation_id', _m.conversation_id,
    'depth', _m.depth, 'parent_id', _m.parent_id), _now);
  RETURN QUERY SELECT _m.id, _m.root_id, _m.conversation_id, _m.depth, _m.parent_id, false,
    _told.event_numbers, _told.event_types, _told.event_payloads, _a.id, _a.model;
END
$$;
