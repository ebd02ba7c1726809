-- Raises RG403 for an account with the global role read_only, RG404 for an unknown or disabled
-- account.
CREATE OR REPLACE FUNCTION rustygpt.check_may_write(_actor uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE _roles text[];
BEGIN
  SELECT u.roles INTO _roles FROM rustygpt.users u WHERE u.id = _actor AND u.disabled_at IS NULL;
  IF _roles IS NULL THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  ELSIF 'read_only' = ANY (_roles) THEN
    PERFORM rustygpt.raise_error('RG403', 'Your account may read, but not write.');
  END IF;
END
$$;
