-- Write an audit entry about a change of a message; its target is the author, for an answer the user
-- who asked. What authors edit in their own messages is in the revisions, and has no entry.
CREATE OR REPLACE FUNCTION rustygpt.audit_message_change(
  _action text, _actor uuid, _message rustygpt.messages
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE _author uuid := COALESCE(_message.author_user_id, _message.requested_by);
BEGIN
  IF _action <> 'message.edited' OR _author IS DISTINCT FROM _actor THEN
    PERFORM rustygpt.audit(_action, _actor, 'account', _author, _message.conversation_id,
      json_build_object('message_id', _message.id));
  END IF;
END
$$;
