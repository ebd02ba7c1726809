-- One message. For participants of its conversation.
CREATE OR REPLACE FUNCTION rustygpt.get_message(_actor uuid, _message_id uuid)
RETURNS TABLE (id uuid, root_id uuid, conversation_id uuid, role text, content text, path text,
  depth integer, seq integer, created_at timestamptz, parent_id uuid, author_user_id uuid,
  author_name text, edited_at timestamptz, deleted_at timestamptz, deleted_by uuid, model text,
  reasoning text, finish_reason text, usage json, error json, omitted_messages integer,
  streaming boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.authorize_read(_actor, rustygpt.conversation_of(_message_id), 'message');
  RETURN QUERY SELECT m.id, m.root_id, m.conversation_id, m.role, m.content, m.path, m.depth,
      m.seq, m.created_at, m.parent_id, m.author_user_id, m.author_name, m.edited_at,
      m.deleted_at, m.deleted_by, m.model, m.reasoning, m.finish_reason, m.usage, m.error,
      m.omitted_messages, m.streaming
    FROM rustygpt.messages m WHERE m.id = _message_id;
END
$$;
