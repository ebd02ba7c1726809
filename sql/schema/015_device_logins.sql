-- Logins of devices that wait for their confirmation in a browser (RFC 8628).
CREATE TABLE rustygpt.device_logins (
  device_hash bytea PRIMARY KEY CHECK (octet_length(device_hash) = 32),
  user_code text NOT NULL UNIQUE,
  client_name text,
  address text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  interval_seconds integer NOT NULL,
  polled_at timestamptz,
  user_id uuid REFERENCES rustygpt.users ON DELETE CASCADE,
  denied boolean NOT NULL DEFAULT false
);
CREATE INDEX device_logins_by_user ON rustygpt.device_logins (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX device_logins_by_end ON rustygpt.device_logins (expires_at);
COMMENT ON TABLE rustygpt.device_logins IS
  'Logins of devices, by the SHA-256 of what the device has. user_id is who has approved or denied
the login. A row is deleted when the device gets its session, or learns that it gets none.';

ALTER TABLE rustygpt.device_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.device_logins FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON rustygpt.device_logins
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor())
    OR (SELECT rustygpt.is_admin(rustygpt.actor())));
