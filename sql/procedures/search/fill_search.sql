-- Write the words of up to `_batch` messages of the queue, fewer if they are long. When it is empty, the
-- next messages of a database that is older than the search, or whose language was changed, are put
-- into it. For the system. Returns how many there were; 0 when nothing is left, or other transactions
-- are at it.
CREATE OR REPLACE FUNCTION rustygpt.fill_search(_batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE
  _max_length constant integer := 300000;
  _count integer := 0;
  _length integer := 0;
  _language text;
  _queued rustygpt.search_queue;
  _message rustygpt.messages;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT s.language INTO STRICT _language FROM rustygpt.search_state s;
  FOR _queued IN
    SELECT * FROM rustygpt.search_queue q ORDER BY q.number LIMIT _batch FOR UPDATE SKIP LOCKED
  LOOP
    EXIT WHEN _length > _max_length;
    -- A message that is being changed stays in the queue: nobody waits for anybody, and no text
    -- replaces a later one.
    SELECT * INTO _message FROM rustygpt.messages m WHERE m.id = _queued.message_id
    FOR SHARE SKIP LOCKED;
    IF FOUND THEN
      PERFORM rustygpt.index_message(_message, _language);
      _length := _length + length(_message.content);
    ELSIF EXISTS (SELECT FROM rustygpt.messages m WHERE m.id = _queued.message_id) THEN
      CONTINUE;
    END IF;
    DELETE FROM rustygpt.search_queue q WHERE q.number = _queued.number;
    _count := _count + 1;
  END LOOP;
  RETURN CASE WHEN _count > 0 THEN _count ELSE rustygpt.refill_search(_batch) END;
END
$$;
