-- Check that the actor may send typing indicators to a thread: participants who may post. Changes
-- and locks nothing.
CREATE OR REPLACE FUNCTION rustygpt.check_may_type(
  _actor uuid, _conversation_id uuid, _root_id uuid
) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF rustygpt.authorize_read(_actor, _conversation_id, 'conversation') = 'viewer' THEN
    PERFORM rustygpt.raise_error('RG403', 'You may read this conversation, but not write in it.');
  END IF;
  PERFORM rustygpt.check_may_write(_actor);
  PERFORM rustygpt.check_not_archived(c) FROM rustygpt.conversations c WHERE c.id = _conversation_id;
  PERFORM 1 FROM rustygpt.threads t
  WHERE t.root_id = _root_id AND t.conversation_id = _conversation_id;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such thread in this conversation.');
  END IF;
END
$$;
