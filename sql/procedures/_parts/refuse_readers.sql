-- People with the global role read_only write nothing, nor does who has no account.
CREATE OR REPLACE FUNCTION rustygpt.refuse_readers(_actor uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE _roles text[];
BEGIN
  SELECT u.roles INTO _roles FROM rustygpt.users u WHERE u.id = _actor AND u.disabled_at IS NULL;
  IF _roles IS NULL THEN
    PERFORM rustygpt.refuse('RG404', 'There is no such account.');
  ELSIF 'read_only' = ANY (_roles) THEN
    PERFORM rustygpt.refuse('RG403', 'Your account may read, but not write.');
  END IF;
END
$$;
