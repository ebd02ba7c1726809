-- Creates the schema, and the table of applied scripts. Run as the operator at every start, after
-- 001_check.sql and 005_roles.sql.
DO $prepare$
DECLARE
  _prefix text := current_setting('rustygpt.role_prefix');
  _owner text := _prefix || 'owner';
  _reader text := _prefix || 'reader';
  _schema oid := to_regnamespace('rustygpt');
BEGIN
  IF _schema IS NULL THEN
    EXECUTE format('CREATE SCHEMA rustygpt AUTHORIZATION %I', _owner);
  END IF;
  PERFORM set_config('role', _owner, true);
  IF to_regclass('rustygpt.applied_scripts') IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA rustygpt TO %I', _reader);
  EXECUTE format($sql$
    CREATE OR REPLACE FUNCTION rustygpt.role_of(_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE AS $body$ SELECT %L || _kind $body$
  $sql$, _prefix);
  EXECUTE format('GRANT EXECUTE ON FUNCTION rustygpt.role_of(text) TO %I', _reader);
  EXECUTE format('COMMENT ON SCHEMA rustygpt IS %L',
    current_setting('rustygpt.generation'));
  CREATE TABLE rustygpt.applied_scripts (
    script text PRIMARY KEY,
    sha256 text NOT NULL,
    procedure text,
    release text NOT NULL,
    removed_in_release text,
    applied_at timestamptz NOT NULL
  );
  COMMENT ON TABLE rustygpt.applied_scripts IS
    'The scripts that were applied, with the SHA-256 of each.';
END
$prepare$;
