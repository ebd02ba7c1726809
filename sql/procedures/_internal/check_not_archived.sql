-- Nobody writes in an archived conversation: raises RG409. Messages in it can still be deleted and
-- restored, and people can leave.
CREATE OR REPLACE FUNCTION rustygpt.check_not_archived(_conversation rustygpt.conversations)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF _conversation.archived_at IS NOT NULL THEN
    PERFORM rustygpt.raise_error('RG409',
      'This conversation is archived; an administrator of it can unarchive it.');
  END IF;
END
$$;
