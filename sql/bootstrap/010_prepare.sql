-- Creates the roles, the schema, and the table of applied scripts. Run as the operator at every
-- start. Roles belong to the whole cluster, so their names contain the database's name; a start on
-- another database of the cluster may create its roles at the same time.
-- The schema files are append-only from the first release on. Before it they were rewritten, so a
-- database that a development version created cannot be upgraded. Each rewrite has its generation,
-- which is stored as the comment of the schema; another one raises RG426. Generation 1 stored none,
-- and named the table of applied scripts `ledger`.
DO $prepare$
DECLARE
  _database text := current_database();
  _base text := CASE WHEN length(_database) <= 40 THEN _database
    ELSE left(_database, 31) || '_' || left(md5(_database), 8) END;
  _owner text := 'rustygpt_' || _base || '_owner';
  _reader text := 'rustygpt_' || _base || '_reader';
  _app text := 'rustygpt_' || _base || '_app';
  _generation constant text := 'RustyGPT, schema generation 6';
  _schema oid := to_regnamespace('rustygpt');
  _role text;
  _kind text := CASE WHEN current_setting('server_version_num')::int >= 160000
    THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  IF EXISTS (
    SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = _schema
      AND c.relname IN ('ledger', 'applied_scripts')
      AND obj_description(_schema, 'pg_namespace') IS DISTINCT FROM _generation
  ) THEN
    RAISE EXCEPTION USING ERRCODE = 'RG426',
      MESSAGE = 'A development version of RustyGPT created the tables of this database.';
  END IF;
  FOREACH _role IN ARRAY ARRAY[_owner, _reader, _app] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = _role) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', _role);
      EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
          RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format(
            'The database role %I may not create roles. Let an administrator of PostgreSQL run: '
            'CREATE ROLE %I NOLOGIN NOINHERIT; CREATE ROLE %I NOLOGIN NOINHERIT; '
            'CREATE ROLE %I NOLOGIN NOINHERIT; GRANT %I, %I TO %I; '
            'GRANT CREATE ON DATABASE %I TO %I;'
            ' and name the login of the server in db.url, that of the owner in db.owner_url.',
            current_user, _owner, _reader, _app, _owner, _reader, current_user, _database,
            current_user);
      END;
    END IF;
  END LOOP;
  FOREACH _role IN ARRAY ARRAY[_owner, _reader] LOOP
    IF NOT pg_has_role(current_user, _role, _kind) THEN
      EXECUTE format('GRANT %I TO %I', _role, current_user);
    END IF;
  END LOOP;
  IF _schema IS NULL THEN
    EXECUTE format('CREATE SCHEMA rustygpt AUTHORIZATION %I', _owner);
  END IF;
  PERFORM set_config('role', _owner, true);
  IF to_regclass('rustygpt.applied_scripts') IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA rustygpt TO %I', _reader);
  EXECUTE 'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC';
  PERFORM set_config('role', _reader, true);
  EXECUTE 'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC';
  PERFORM set_config('role', _owner, true);
  EXECUTE format($sql$
    CREATE OR REPLACE FUNCTION rustygpt.role_of(_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE AS $body$ SELECT %L || _kind $body$
  $sql$, 'rustygpt_' || _base || '_');
  EXECUTE format('GRANT EXECUTE ON FUNCTION rustygpt.role_of(text) TO %I', _reader);
  EXECUTE format('COMMENT ON SCHEMA rustygpt IS %L', _generation);
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
