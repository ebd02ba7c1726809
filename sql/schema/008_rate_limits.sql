-- Profiles of rate limits, the routes that they are assigned to, and the cells of the limits that
-- hold across processes.
CREATE TABLE rustygpt.limit_profiles (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$'),
  algorithm text NOT NULL DEFAULT 'gcra' CHECK (algorithm = 'gcra'),
  requests_per_second double precision CHECK (requests_per_second BETWEEN 1e-5 AND 1e6),
  burst integer CHECK (burst BETWEEN 1 AND 1000000),
  description text CHECK (length(description) <= 500),
  built_in boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK ((requests_per_second IS NULL) = (burst IS NULL)),
  CHECK (built_in OR burst IS NOT NULL)
);
COMMENT ON TABLE rustygpt.limit_profiles IS
  'Named rates. A rate that is NULL is that of the settings of each process.';
COMMENT ON COLUMN rustygpt.limit_profiles.built_in IS
  'The server itself names the profile: it cannot be deleted.';

CREATE TABLE rustygpt.limit_assignments (
  id uuid PRIMARY KEY,
  profile_id uuid NOT NULL REFERENCES rustygpt.limit_profiles,
  method text NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', '*')),
  path_pattern text NOT NULL CHECK (length(path_pattern) <= 200),
  pattern_key text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (method, pattern_key)
);
COMMENT ON TABLE rustygpt.limit_assignments IS 'Which profile limits the routes of a pattern.';
COMMENT ON COLUMN rustygpt.limit_assignments.pattern_key IS
  'The pattern without the names of its parameters: patterns with one key match the same routes.';

-- The cells need not survive a crash of PostgreSQL, so their changes are not written to its log.
-- Every post updates one, so no column that changes has an index, and pages have free space.
CREATE UNLOGGED TABLE rustygpt.limit_cells (
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  user_id uuid,
  full_at timestamptz NOT NULL,
  growth integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE rustygpt.limit_cells IS
  'The state of the limits that hold across processes, by the SHA-256 of what is limited.';
COMMENT ON COLUMN rustygpt.limit_cells.user_id IS
  'Whose requests are counted; NULL for logins.';
COMMENT ON COLUMN rustygpt.limit_cells.full_at IS
  'When all of the burst is available again: the theoretical arrival time of GCRA. From then on the
row says nothing, and is pruned.';
COMMENT ON COLUMN rustygpt.limit_cells.growth IS
  'How many requests were accepted since the burst was available the last time.';

ALTER TABLE rustygpt.limit_profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.limit_profiles FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.limit_assignments ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.limit_assignments FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.limit_cells ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.limit_cells FORCE ROW LEVEL SECURITY;
CREATE POLICY admins ON rustygpt.limit_profiles
  USING ((SELECT rustygpt.is_system()) OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY admins ON rustygpt.limit_assignments
  USING ((SELECT rustygpt.is_system()) OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY own_rows ON rustygpt.limit_cells
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor()));
