-- Write the words of up to `_batch` messages, fewer if they are long: of new and changed ones, then of
-- a database that is older than the search, or after a change of the language. For the system. Returns
-- how many; 0 when nothing is left, or other processes are at it.
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
    -- The lock waits for a change in progress, so that its text is not replaced by the one before.
    SELECT * INTO _message FROM rustygpt.messages m WHERE m.id = _queued.message_id FOR SHARE;
    IF FOUND THEN
      PERFORM rustygpt.index_message(_message, _language);
      _length := _length + length(_message.content);
    END IF;
    DELETE FROM rustygpt.search_queue q WHERE q.number = _queued.number;
    _count := _count + 1;
  END LOOP;
  RETURN CASE WHEN _count > 0 THEN _count ELSE rustygpt.refill_search(_batch, _max_length) END;
END
$$;
