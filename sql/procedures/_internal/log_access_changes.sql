-- Append an access change to the log: one row, or one row per session in `_sessions`. The row of
-- the counter stays locked until the commit, so a transaction must call this after it took all
-- other locks.
CREATE OR REPLACE FUNCTION rustygpt.log_access_changes(
  _kind text, _user_id uuid, _sessions uuid[] DEFAULT ARRAY[NULL::uuid],
  _conversation_id uuid DEFAULT NULL, _event_number bigint DEFAULT 0
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _count integer := cardinality(_sessions);
  _last bigint;
BEGIN
  IF _count = 0 THEN
    RETURN;
  END IF;
  INSERT INTO rustygpt.access_change_counter AS c (last_number) VALUES (_count)
  ON CONFLICT (id) DO UPDATE SET last_number = c.last_number + excluded.last_number
  RETURNING c.last_number INTO _last;
  INSERT INTO rustygpt.access_changes (number, kind, user_id, session_id, conversation_id,
    event_number)
  SELECT _last - _count + s.ordinal, _kind, _user_id, s.id, _conversation_id, _event_number
  FROM unnest(_sessions) WITH ORDINALITY AS s (id, ordinal);
END
$$;
