-- Functions of the bootstrap on the table of applied scripts. Run as the owner at every start; the
-- application's role cannot execute them.
CREATE OR REPLACE FUNCTION rustygpt.read_applied_scripts()
RETURNS TABLE (script text, sha256 text, release text, removed_in_release text)
LANGUAGE sql STABLE AS $$
  SELECT s.script, s.sha256, s.release, s.removed_in_release FROM rustygpt.applied_scripts s
$$;

CREATE OR REPLACE FUNCTION rustygpt.record_script(
  _script text, _sha256 text, _procedure text, _release text, _now timestamptz
) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO rustygpt.applied_scripts (script, sha256, procedure, release, applied_at)
  VALUES (_script, _sha256, _procedure, _release, _now)
  ON CONFLICT (script) DO UPDATE SET sha256 = excluded.sha256, procedure = excluded.procedure,
    release = excluded.release, removed_in_release = NULL, applied_at = excluded.applied_at
$$;

-- A procedure whose file was removed is kept in the release that removed it, because processes of
-- the previous release may still call it; the next release drops it.
CREATE OR REPLACE FUNCTION rustygpt.retire_script(_script text, _release text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  _row rustygpt.applied_scripts;
  _signature text;
BEGIN
  SELECT * INTO _row FROM rustygpt.applied_scripts WHERE script = _script;
  IF _row.removed_in_release IS NULL THEN
    UPDATE rustygpt.applied_scripts SET removed_in_release = _release WHERE script = _script;
    RETURN false;
  ELSIF _row.removed_in_release = _release THEN
    RETURN false;
  END IF;
  FOR _signature IN
    SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'rustygpt'::regnamespace AND p.proname = _row.procedure
  LOOP
    EXECUTE 'DROP FUNCTION ' || _signature;
  END LOOP;
  DELETE FROM rustygpt.applied_scripts WHERE script = _script;
  RETURN true;
END
$$;

-- The password of the application's role, stored so that all processes of the operator use the
-- same.
CREATE OR REPLACE FUNCTION rustygpt.app_password() RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN (SELECT encode(s.value, 'hex') FROM rustygpt.secrets s WHERE s.name = 'app_login');
END
$$;
