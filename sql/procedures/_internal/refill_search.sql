-- Put the next messages after search_state.filled_up_to into the queue; see fill_search.
CREATE OR REPLACE FUNCTION rustygpt.refill_search(_batch integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  _start uuid;
  _ids uuid[];
BEGIN
  SELECT s.filled_up_to INTO _start FROM rustygpt.search_state s
  WHERE s.filled_up_to IS NOT NULL FOR UPDATE SKIP LOCKED;
  IF _start IS NULL THEN
    RETURN 0;
  END IF;
  _ids := ARRAY(
    SELECT m.id FROM rustygpt.messages m WHERE m.id > _start ORDER BY m.id LIMIT _batch);
  INSERT INTO rustygpt.search_queue (message_id) SELECT unnest(_ids);
  UPDATE rustygpt.search_state s SET filled_up_to = _ids[cardinality(_ids)];
  RETURN cardinality(_ids);
END
$$;
