-- Takes from PUBLIC, in this database, what the pool's role must not do. Run as the operator at every
-- start. Objects of PostgreSQL's own belong to a superuser, and TEMPORARY to the database's owner: an
-- operator who is neither changes nothing here, and the start logs what is left.
DO $restrict$
DECLARE
  _excess record;
  _login text := NULLIF(current_setting('rustygpt.login', true), '');
BEGIN
  FOR _excess IN
    SELECT * FROM rustygpt.excess_privileges(COALESCE(_login, rustygpt.role_of('app')))
  LOOP
    BEGIN
      IF _excess.needed THEN
        EXECUTE format('GRANT %s ON %s TO %I, %I', _excess.privilege, _excess.object,
          rustygpt.role_of('owner'), rustygpt.role_of('reader'));
      END IF;
      EXECUTE format('REVOKE %s ON %s FROM PUBLIC', _excess.privilege, _excess.object);
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
  END LOOP;
END
$restrict$;
