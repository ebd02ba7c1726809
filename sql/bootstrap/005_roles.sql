-- Creates the roles. Run as the operator at every start, and before a backup is restored. Roles belong to
-- the whole cluster, so their names contain the database's name; a start on another database of the
-- cluster may create its roles at the same time.
DO $roles$
DECLARE
  _database text := current_database();
  _base text := CASE WHEN length(_database) <= 40 THEN _database
    ELSE left(_database, 31) || '_' || left(md5(_database), 8) END;
  _owner text := 'rustygpt_' || _base || '_owner';
  _reader text := 'rustygpt_' || _base || '_reader';
  _app text := 'rustygpt_' || _base || '_app';
  _role text;
  _kind text := CASE WHEN current_setting('server_version_num')::int >= 160000
    THEN 'SET' ELSE 'MEMBER' END;
BEGIN
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
  FOREACH _role IN ARRAY ARRAY[_owner, _reader] LOOP
    CONTINUE WHEN EXISTS (
      SELECT 1 FROM pg_catalog.pg_default_acl WHERE defaclrole = quote_ident(_role)::regrole
        AND defaclnamespace = 0 AND defaclobjtype = 'f');
    PERFORM set_config('role', _role, true);
    EXECUTE 'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC';
    PERFORM set_config('role', 'none', true);
  END LOOP;
  -- For this session: what role_of returns, before there is a schema that has it.
  PERFORM set_config('rustygpt.role_prefix', 'rustygpt_' || _base || '_', false);
END
$roles$;
