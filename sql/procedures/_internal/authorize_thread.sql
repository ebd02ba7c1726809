-- Authorize the actor to read a thread, as authorize_read does for a conversation. Raises RG404 for
-- a non-participant, and for a message that is not the root of a thread.
CREATE OR REPLACE FUNCTION rustygpt.authorize_thread(_actor uuid, _root_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rustygpt.authorize_read(_actor, rustygpt.conversation_of(_root_id), 'thread');
  IF NOT EXISTS (SELECT 1 FROM rustygpt.threads t WHERE t.root_id = _root_id) THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such thread; this is a message within one.');
  END IF;
END
$$;
