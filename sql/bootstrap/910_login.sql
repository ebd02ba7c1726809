-- Lets the application's role log in with the password that is stored in this database. Run as the
-- operator at every start of a server whose pool and bootstrap use one URL. PostgreSQL lets every role
-- change its own password and its own settings, so both are set again here.
DO $login$
DECLARE
  _app text := rustygpt.role_of('app');
  _password text := NULLIF(current_setting('rustygpt.password', true), '');
BEGIN
  EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', _app, _password);
  EXECUTE format('ALTER ROLE %I RESET ALL', _app);
  EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', _app, current_database());
  -- A refusal is an error to PostgreSQL, and anybody may cause one with each request. The server logs
  -- those errors of the pool that refuse nothing; `log`, `fatal` and `panic` stay in PostgreSQL's log.
  IF has_parameter_privilege(current_user, 'log_min_messages', 'SET') THEN
    EXECUTE format('ALTER ROLE %I SET log_min_messages = log', _app);
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format(
    'The database role %I may not change the role %I. Name a login of the server in db.url and '
    'that of the owner in db.owner_url, or let an administrator of PostgreSQL run: '
    'GRANT %I TO %I WITH ADMIN OPTION;', current_user, _app, _app, current_user);
END
$login$;
