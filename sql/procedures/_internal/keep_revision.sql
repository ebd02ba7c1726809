-- Keep the text that a message has before a change of it.
CREATE OR REPLACE FUNCTION rustygpt.keep_revision(
  _message rustygpt.messages, _change text, _actor uuid, _reason text, _now timestamptz
) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO rustygpt.revisions (message_id, number, conversation_id, content, reasoning,
    written_at, change, replaced_at, replaced_by, reason)
  SELECT _message.id, COALESCE(max(r.number), 0) + 1, _message.conversation_id, _message.content,
    _message.reasoning, COALESCE(_message.edited_at, _message.created_at), _change, _now, _actor,
    _reason
  FROM rustygpt.revisions r WHERE r.message_id = _message.id
$$;
