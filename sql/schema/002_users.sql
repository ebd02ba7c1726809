-- Users, their sessions, idempotency keys, and secrets.
CREATE TABLE rustygpt.users (
  id uuid PRIMARY KEY,
  username text NOT NULL,
  username_key text NOT NULL UNIQUE,
  email text NOT NULL,
  email_key text UNIQUE,
  display_name text,
  display_key text GENERATED ALWAYS AS (lower(display_name)) STORED,
  password_hash text NOT NULL,
  roles text[] NOT NULL CHECK (roles <@ ARRAY['admin', 'member', 'read_only']),
  created_at timestamptz NOT NULL,
  disabled_at timestamptz,
  uncached_until timestamptz
);
COMMENT ON TABLE rustygpt.users IS
  'Accounts. The columns *_key hold the lower-case forms, which are unique but for display names.';
COMMENT ON COLUMN rustygpt.users.email_key IS
  'NULL if another account had the address first, or took it at the same time: only one account can
log in with it.';
COMMENT ON COLUMN rustygpt.users.uncached_until IS
  'Until then no process caches checks of tokens of this account, whose password is being changed.';

CREATE TABLE rustygpt.name_skeletons (
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('username', 'display_name')),
  skeleton text NOT NULL,
  PRIMARY KEY (user_id, kind, skeleton)
);
CREATE INDEX name_skeletons_skeleton ON rustygpt.name_skeletons (skeleton);
COMMENT ON TABLE rustygpt.name_skeletons IS
  'What names look like, without case and confusable letters; names that share one look alike.';

CREATE TABLE rustygpt.sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  issued_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  absolute_expires_at timestamptz NOT NULL,
  user_agent text,
  address text,
  rotation_due boolean NOT NULL DEFAULT false,
  generation integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE rustygpt.sessions IS 'Sessions of logins. A session that was ended is deleted.';
COMMENT ON COLUMN rustygpt.sessions.generation IS
  'How many password changes have replaced all tokens of the session.';

CREATE TABLE rustygpt.session_tokens (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  session_id uuid NOT NULL REFERENCES rustygpt.sessions ON DELETE CASCADE,
  valid_until timestamptz
);
COMMENT ON TABLE rustygpt.session_tokens IS
  'SHA-256 hashes of the tokens of a session. A rotated token is valid until valid_until.';

CREATE TABLE rustygpt.secrets (
  name text PRIMARY KEY,
  value bytea NOT NULL
);
COMMENT ON TABLE rustygpt.secrets IS
  'Random values, created once per database. Only the procedure of each reads it.';

CREATE TABLE rustygpt.idempotency (
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  key text NOT NULL,
  body_hash bytea NOT NULL,
  response json NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, key)
);
COMMENT ON TABLE rustygpt.idempotency IS
  'Responses to requests with an idempotency key; see idempotency_retention.';

ALTER TABLE rustygpt.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.users FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.name_skeletons ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.name_skeletons FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.session_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.session_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.secrets FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.idempotency FORCE ROW LEVEL SECURITY;

-- Policies query users and participants through functions owned by a second role, which has its own
-- policies. A policy that queries its own table directly would cause an infinite recursion.
DO $$
DECLARE _reader text := rustygpt.role_of('reader');
BEGIN
  EXECUTE format('GRANT SELECT (id, roles, disabled_at) ON rustygpt.users TO %I', _reader);
  EXECUTE format('CREATE POLICY reader ON rustygpt.users FOR SELECT TO %I USING (true)', _reader);
END
$$;
SELECT set_config('role', rustygpt.role_of('reader'), false);
CREATE FUNCTION rustygpt.is_admin(_user_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
  SELECT EXISTS (
    SELECT 1 FROM rustygpt.users
    WHERE id = _user_id AND 'admin' = ANY (roles) AND disabled_at IS NULL)
$$;
DO $$
BEGIN
  EXECUTE format('GRANT EXECUTE ON FUNCTION rustygpt.is_admin(uuid) TO %I',
    rustygpt.role_of('owner'));
END
$$;
SELECT set_config('role', rustygpt.role_of('owner'), false);

CREATE POLICY select_any ON rustygpt.users FOR SELECT
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
CREATE POLICY insert_by_admin ON rustygpt.users FOR INSERT
  WITH CHECK ((SELECT rustygpt.is_system()) OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY update_own ON rustygpt.users FOR UPDATE
  USING ((SELECT rustygpt.is_system()) OR id = (SELECT rustygpt.actor())
    OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY select_any ON rustygpt.name_skeletons FOR SELECT
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
CREATE POLICY change_own ON rustygpt.name_skeletons
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor())
    OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY own_rows ON rustygpt.sessions
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor())
    OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY system ON rustygpt.session_tokens USING ((SELECT rustygpt.is_system()));
CREATE POLICY system ON rustygpt.secrets USING ((SELECT rustygpt.is_system()));
CREATE POLICY own_rows ON rustygpt.idempotency
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor()));
