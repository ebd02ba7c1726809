-- Start a thread. Participants who are no viewers; see write_message.
CREATE OR REPLACE FUNCTION rustygpt.post_root(
  _actor uuid, _conversation_id uuid, _id uuid, _content text, _role text, _model text,
  _key text, _body_hash bytea, _answer_id uuid, _runner text, _default_model text,
  _lease_until timestamptz, _now timestamptz
) RETURNS TABLE (message_id uuid, root_id uuid, conversation_id uuid, depth integer,
  parent_id uuid, replayed boolean, event_numbers bigint[], event_types text[],
  event_payloads text[], answer_id uuid, answer_model text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT * FROM rustygpt.write_message(_actor, _conversation_id, NULL, _id, _content, _role, _model,
    _key, _body_hash, _answer_id, _runner, _default_model, _lease_until, _now);
END
$$;
