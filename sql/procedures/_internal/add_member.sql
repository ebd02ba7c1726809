-- Insert a participant. `_event_number` is the number of the event of the joining; earlier messages
-- do not count as unread. Raises RG404 for an unknown account and a deleted conversation.
CREATE OR REPLACE FUNCTION rustygpt.add_member(
  _conversation_id uuid, _user_id uuid, _role text, _event bigint, _now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM rustygpt.users WHERE id = _user_id AND disabled_at IS NULL) THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such person.');
  ELSIF EXISTS (
    SELECT 1 FROM rustygpt.conversations WHERE id = _conversation_id AND deleted_at IS NOT NULL
  ) THEN
    PERFORM rustygpt.raise_error('RG404', 'This conversation was deleted.');
  END IF;
  INSERT INTO rustygpt.participants (conversation_id, user_id, role, joined_at, joined_at_event)
  VALUES (_conversation_id, _user_id, _role, _now, _event);
  UPDATE rustygpt.conversations SET participant_count = participant_count + 1
  WHERE id = _conversation_id;
END
$$;
