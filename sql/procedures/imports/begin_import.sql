-- Begin an import. For every account without the global role read_only; raises RG409 for the third
-- import of an account at once. Returns the account's names, and whether the idempotency key has been
-- used, so that the body has to be compared instead of imported.
CREATE OR REPLACE FUNCTION rustygpt.begin_import(
  _actor uuid, _import_id uuid, _key text, _valid_until timestamptz, _now timestamptz
) RETURNS TABLE (username text, is_key_used boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  PERFORM rustygpt.check_may_write(_actor);
  PERFORM rustygpt.set_actor_system();
  PERFORM 1 FROM rustygpt.users u WHERE u.id = _actor FOR NO KEY UPDATE;
  IF (SELECT count(*) FROM rustygpt.imports i
    WHERE i.user_id = _actor AND i.valid_until > _now) >= 2
  THEN
    PERFORM rustygpt.raise_error('RG409',
      'Two files are being imported for you already; try again when one of them is done.');
  END IF;
  INSERT INTO rustygpt.imports (id, user_id, valid_until)
  VALUES (_import_id, _actor, _valid_until);
  RETURN QUERY SELECT u.username, EXISTS (
      SELECT 1 FROM rustygpt.idempotency k WHERE k.user_id = _actor AND k.key = _key
        AND k.created_at > _now - rustygpt.idempotency_retention())
    FROM rustygpt.users u WHERE u.id = _actor;
END
$$;
