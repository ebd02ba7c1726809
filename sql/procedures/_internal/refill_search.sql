-- Write the words of the next messages after search_state.filled_up_to; see fill_search.
CREATE OR REPLACE FUNCTION rustygpt.refill_search(_batch integer, _max_length integer)
RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  _state rustygpt.search_state;
  _message rustygpt.messages;
  _count integer := 0;
  _length integer := 0;
BEGIN
  SELECT * INTO _state FROM rustygpt.search_state s WHERE s.filled_up_to IS NOT NULL
  FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  FOR _message IN
    SELECT m.* FROM rustygpt.messages m WHERE m.id > _state.filled_up_to ORDER BY m.id LIMIT _batch
    FOR SHARE
  LOOP
    EXIT WHEN _length > _max_length;
    PERFORM rustygpt.index_message(_message, _state.language);
    _length := _length + length(_message.content);
    _state.filled_up_to := _message.id;
    _count := _count + 1;
  END LOOP;
  UPDATE rustygpt.search_state s SET filled_up_to = CASE WHEN _count > 0 THEN _state.filled_up_to END;
  RETURN _count;
END
$$;
