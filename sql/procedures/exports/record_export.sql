-- Write an audit entry about an export of a conversation, or of the thread `_root_id` of it. For
-- participants, those who may not write included.
CREATE OR REPLACE FUNCTION rustygpt.record_export(
  _actor uuid, _conversation_id uuid, _root_id uuid, _format text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.authorize_read(_actor, _conversation_id, 'conversation');
  PERFORM rustygpt.audit('conversation.exported', _actor, 'conversation', _conversation_id,
    _conversation_id, json_strip_nulls(json_build_object('format', _format, 'root_id', _root_id)));
END
$$;
