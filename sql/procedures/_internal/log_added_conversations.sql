-- Append to the log of access changes that a user has been added to each of these conversations, at
-- their last events. The same rule as for log_access_changes: after all other locks.
CREATE OR REPLACE FUNCTION rustygpt.log_added_conversations(
  _user_id uuid, _conversations uuid[], _event_numbers bigint[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _count integer := cardinality(_conversations);
  _last bigint;
BEGIN
  INSERT INTO rustygpt.access_change_counter AS c (last_number) VALUES (_count)
  ON CONFLICT (id) DO UPDATE SET last_number = c.last_number + excluded.last_number
  RETURNING c.last_number INTO _last;
  INSERT INTO rustygpt.access_changes (number, kind, user_id, conversation_id, event_number)
  SELECT _last - _count + s.ordinal, 'added', _user_id, s.id, s.event_number
  FROM unnest(_conversations, _event_numbers) WITH ORDINALITY AS s (id, event_number, ordinal);
END
$$;
