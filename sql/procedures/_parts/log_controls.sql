-- Log what gave or took a right: one control, or one for each of these sessions. The counter's row
-- stays locked until the commit, so this is the last thing that a transaction locks.
CREATE OR REPLACE FUNCTION rustygpt.log_controls(
  _kind text, _user_id uuid, _sessions uuid[] DEFAULT ARRAY[NULL::uuid],
  _conversation_id uuid DEFAULT NULL, _event bigint DEFAULT 0
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _count integer := cardinality(_sessions);
  _last bigint;
BEGIN
  IF _count = 0 THEN
    RETURN;
  END IF;
  INSERT INTO rustygpt.control_count AS c (last) VALUES (_count)
  ON CONFLICT (id) DO UPDATE SET last = c.last + excluded.last RETURNING c.last INTO _last;
  INSERT INTO rustygpt.controls (number, kind, user_id, session_id, conversation_id, event)
  SELECT _last - _count + s.place, _kind, _user_id, s.id, _conversation_id, _event
  FROM unnest(_sessions) WITH ORDINALITY AS s (id, place);
END
$$;
