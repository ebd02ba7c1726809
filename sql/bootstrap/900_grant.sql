-- The application's role may execute the application's procedures and nothing else. Those are
-- the owner's SECURITY DEFINER functions; helpers are not, and stay the owner's own.
-- Run as the owner, at every bootstrap. A login that is not the application's role itself gets
-- the same grants: bootstrap names it in the setting rustygpt.login.
DO $grant$
DECLARE
  _one record;
  _login text := NULLIF(current_setting('rustygpt.login', true), '');
  _app text := rustygpt.role_of('app');
BEGIN
  IF _login IS NOT NULL THEN
    EXECUTE format('GRANT USAGE ON SCHEMA rustygpt TO %I', _login);
  END IF;
  FOR _one IN
    SELECT p.oid::regprocedure::text AS signature,
      p.prosecdef AND r.rolname = rustygpt.role_of('owner') AS application, p.proacl,
      r.rolname = rustygpt.role_of('owner') AS own
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
    WHERE p.pronamespace = 'rustygpt'::regnamespace
  LOOP
    CONTINUE WHEN NOT _one.own;
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', _one.signature);
    CONTINUE WHEN NOT _one.application;
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', _one.signature, _app);
    IF _login IS NOT NULL THEN
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', _one.signature, _login);
    END IF;
  END LOOP;
END
$grant$;
