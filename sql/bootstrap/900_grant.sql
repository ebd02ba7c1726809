-- Grants the application's role EXECUTE on the procedures of the application, and nothing else.
-- These are the SECURITY DEFINER functions of the owner; other functions are internal. Run as the
-- owner at every start. Only missing grants are changed, because each change invalidates the
-- cached plans of running processes. A pool that logs in as another role than the application's
-- gets the same grants: the bootstrap passes that role in the setting rustygpt.login. The
-- composite types of parameters need no grant: PUBLIC has USAGE on types by default.
DO $grant$
DECLARE
  _function record;
  _login text := NULLIF(current_setting('rustygpt.login', true), '');
  _role text;
BEGIN
  FOREACH _role IN ARRAY array_remove(ARRAY[rustygpt.role_of('app'), _login], NULL) LOOP
    CONTINUE WHEN has_schema_privilege(_role, 'rustygpt', 'USAGE');
    EXECUTE format('GRANT USAGE ON SCHEMA rustygpt TO %I', _role);
  END LOOP;
  FOR _function IN
    SELECT p.oid, p.oid::regprocedure::text AS signature, p.prosecdef,
      p.proacl IS NULL OR EXISTS (
        SELECT 1 FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0) AS public
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
    WHERE p.pronamespace = 'rustygpt'::regnamespace AND r.rolname = rustygpt.role_of('owner')
  LOOP
    IF _function.public THEN
      EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', _function.signature);
    END IF;
    CONTINUE WHEN NOT _function.prosecdef;
    FOREACH _role IN ARRAY array_remove(ARRAY[rustygpt.role_of('app'), _login], NULL) LOOP
      CONTINUE WHEN has_function_privilege(_role, _function.oid, 'EXECUTE');
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', _function.signature, _role);
    END LOOP;
  END LOOP;
END
$grant$;
