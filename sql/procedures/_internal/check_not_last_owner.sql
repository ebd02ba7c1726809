-- A conversation must keep an owner: raises RG409 if the user is its only one.
CREATE OR REPLACE FUNCTION rustygpt.check_not_last_owner(_conversation_id uuid, _user_id uuid)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM rustygpt.participants
    WHERE conversation_id = _conversation_id AND role = 'owner' AND user_id <> _user_id
  ) THEN
    PERFORM rustygpt.raise_error('RG409',
      'This is the last owner; make somebody else an owner first.');
  END IF;
END
$$;
