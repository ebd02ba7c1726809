-- Lets the application's role log in with the password that is stored in this database. Run as the
-- operator at every start of a server whose pool and bootstrap use one URL.
DO $login$
DECLARE
  _app text := rustygpt.role_of('app');
  _password text := NULLIF(current_setting('rustygpt.password', true), '');
BEGIN
  EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', _app, _password);
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format(
    'The database role %I may not change the role %I. Name a login of the server in db.url and '
    'that of the owner in db.owner_url, or let an administrator of PostgreSQL run: '
    'GRANT %I TO %I WITH ADMIN OPTION;', current_user, _app, _app, current_user);
END
$login$;
