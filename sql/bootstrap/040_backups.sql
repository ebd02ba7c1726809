-- Functions for backups. Run as the owner at every start; the application's role cannot execute them.
CREATE OR REPLACE FUNCTION rustygpt.record_backup(_file text, _bytes bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM rustygpt.audit('backup.created', NULL, NULL, NULL,
    _details => json_build_object('file', _file, 'bytes', _bytes));
END
$$;

-- The last backup that was recorded, if there is one.
CREATE OR REPLACE FUNCTION rustygpt.last_backup()
RETURNS TABLE (created_at timestamptz, file text, bytes bigint)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT a.created_at, a.details ->> 'file', (a.details ->> 'bytes')::bigint
    FROM rustygpt.audit_entries a WHERE a.action = 'backup.created'
    ORDER BY a.number DESC LIMIT 1;
END
$$;

-- Whether row-level security does not apply to the login of this session.
CREATE OR REPLACE FUNCTION rustygpt.login_sees_all_rows() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT r.rolsuper OR r.rolbypassrls FROM pg_catalog.pg_roles r WHERE r.rolname = session_user
$$;
