-- Create a conversation owned by the actor. For every account without the global role read_only.
-- Without `_assistant_mode` it gets the default of its kind.
CREATE OR REPLACE FUNCTION rustygpt.create_conversation(
  _actor uuid, _id uuid, _title text, _is_group boolean, _assistant_mode text, _model text,
  _system_prompt text, _key text, _body_hash bytea, _now timestamptz
) RETURNS TABLE (conversation_id uuid, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE _stored json;
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  PERFORM rustygpt.check_may_write(_actor);
  _stored := rustygpt.idempotency_lookup(_actor, _key, _body_hash, _now);
  IF _stored IS NOT NULL THEN
    RETURN QUERY SELECT (_stored ->> 'conversation_id')::uuid, true;
    RETURN;
  END IF;
  INSERT INTO rustygpt.conversations (id, title, is_group, assistant_mode, model, system_prompt,
    created_by, created_at, last_activity_at)
  VALUES (_id, _title, _is_group,
    COALESCE(_assistant_mode, rustygpt.default_assistant_mode(_is_group)), _model, _system_prompt,
    _actor, _now, _now);
  PERFORM set_config('rustygpt.conversation', _id::text, true);
  INSERT INTO rustygpt.participants (conversation_id, user_id, role, joined_at, joined_at_event)
  VALUES (_id, _actor, 'owner', _now, 0);
  PERFORM rustygpt.idempotency_store(_actor, _key, _body_hash,
    json_build_object('conversation_id', _id), _now);
  PERFORM rustygpt.log_access_changes('added', _actor, _conversation_id => _id);
  PERFORM rustygpt.audit('conversation.created', _actor, 'conversation', _id, _id);
  RETURN QUERY SELECT _id, false;
END
$$;
