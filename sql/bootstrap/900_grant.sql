-- The application's role may execute the application's procedures and nothing else. Those are
-- the owner's SECURITY DEFINER functions; helpers are not, and stay the owner's own.
-- Run as the owner, at every bootstrap; it changes only what is not so, since each change makes
-- running processes plan anew. A login that is not the application's role itself gets
-- the same grants: bootstrap names it in the setting rustygpt.login.
DO $grant$
DECLARE
  _one record;
  _login text := NULLIF(current_setting('rustygpt.login', true), '');
  _role text;
BEGIN
  FOREACH _role IN ARRAY array_remove(ARRAY[rustygpt.role_of('app'), _login], NULL) LOOP
    CONTINUE WHEN has_schema_privilege(_role, 'rustygpt', 'USAGE');
    EXECUTE format('GRANT USAGE ON SCHEMA rustygpt TO %I', _role);
  END LOOP;
  FOR _one IN
    SELECT p.oid, p.oid::regprocedure::text AS signature, p.prosecdef,
      p.proacl IS NULL OR EXISTS (
        SELECT 1 FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0) AS public
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
    WHERE p.pronamespace = 'rustygpt'::regnamespace AND r.rolname = rustygpt.role_of('owner')
  LOOP
    IF _one.public THEN
      EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', _one.signature);
    END IF;
    CONTINUE WHEN NOT _one.prosecdef;
    FOREACH _role IN ARRAY array_remove(ARRAY[rustygpt.role_of('app'), _login], NULL) LOOP
      CONTINUE WHEN has_function_privilege(_role, _one.oid, 'EXECUTE');
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', _one.signature, _role);
    END LOOP;
  END LOOP;
END
$grant$;
