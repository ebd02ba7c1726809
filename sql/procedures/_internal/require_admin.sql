-- Set the actor, who must be a global administrator; raises RG403 otherwise.
CREATE OR REPLACE FUNCTION rustygpt.require_admin(_actor uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  IF NOT rustygpt.is_admin(_actor) THEN
    PERFORM rustygpt.raise_error('RG403', 'Only an administrator of this server may do this.');
  END IF;
END
$$;
