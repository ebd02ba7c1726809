-- Change a conversation. Keys that are absent from the JSON object keep their values; null removes
-- a value. For administrators of the conversation. Logs no event if nothing changed.
CREATE OR REPLACE FUNCTION rustygpt.update_conversation(
  _actor uuid, _conversation_id uuid, _changes jsonb, _now timestamptz
) RETURNS TABLE (id uuid, title text, is_group boolean, role text, unread integer,
  last_activity_at timestamptz, participant_count integer, assistant_mode text,
  created_at timestamptz, last_message_excerpt text, model text, system_prompt text,
  archived_at timestamptz, "position" bigint,
  event_numbers bigint[], event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _old rustygpt.conversations;
  _new rustygpt.conversations;
  _logged record;
BEGIN
  SELECT (e.conversation).* INTO _old
  FROM rustygpt.authorize_write(_actor, _conversation_id, 'admin', 'conversation') AS e;
  UPDATE rustygpt.conversations c SET
    title = COALESCE(_changes ->> 'title', c.title),
    assistant_mode = COALESCE(_changes ->> 'assistant_mode', c.assistant_mode),
    model = CASE WHEN _changes ? 'model' THEN _changes ->> 'model' ELSE c.model END,
    system_prompt = CASE WHEN _changes ? 'system_prompt' THEN _changes ->> 'system_prompt'
      ELSE c.system_prompt END,
    archived_at = CASE (_changes ->> 'archived')::boolean WHEN true
      THEN COALESCE(c.archived_at, _now) WHEN false THEN NULL ELSE c.archived_at END
  WHERE c.id = _conversation_id RETURNING * INTO _new;
  IF _new IS DISTINCT FROM _old THEN
    PERFORM rustygpt.audit('conversation.updated', _actor, 'conversation', _conversation_id,
      _conversation_id, json_build_object('fields',
        ARRAY(SELECT k FROM jsonb_object_keys(_changes) AS k ORDER BY k)));
    SELECT * INTO _logged FROM rustygpt.log_events(_conversation_id,
      ARRAY['conversation.updated'], ARRAY[rustygpt.conversation_json(_new)], _now);
  ELSE
    SELECT '{}'::bigint[] AS event_numbers, '{}'::text[] AS event_types,
      '{}'::text[] AS event_payloads INTO _logged;
  END IF;
  RETURN QUERY SELECT s.*, _logged.event_numbers, _logged.event_types, _logged.event_payloads
    FROM rustygpt.show_conversation(_actor, _conversation_id) AS s;
END
$$;
