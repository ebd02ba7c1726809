-- Accounts at other providers with which users sign in, and pending sign-ins there.
CREATE TABLE rustygpt.identities (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  provider text NOT NULL CHECK (provider IN ('github', 'apple', 'oidc')),
  issuer text NOT NULL,
  subject text NOT NULL,
  label text,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz,
  UNIQUE (issuer, subject)
);
CREATE INDEX identities_by_user ON rustygpt.identities (user_id);
COMMENT ON TABLE rustygpt.identities IS
  'Accounts at other providers. Issuer and subject name one for ever; e-mail addresses do not.';
COMMENT ON COLUMN rustygpt.identities.label IS
  'What the provider called the account when it was last used; only its owner sees it.';

CREATE TABLE rustygpt.oauth_flows (
  state_hash bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
  binding_hash bytea NOT NULL CHECK (octet_length(binding_hash) = 32),
  provider text NOT NULL,
  user_id uuid REFERENCES rustygpt.users ON DELETE CASCADE,
  session_id uuid,
  invite_hash bytea CHECK (octet_length(invite_hash) = 32),
  expires_at timestamptz NOT NULL
);
CREATE INDEX oauth_flows_by_user ON rustygpt.oauth_flows (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX oauth_flows_by_end ON rustygpt.oauth_flows (expires_at);
COMMENT ON TABLE rustygpt.oauth_flows IS
  'Pending sign-ins at other providers, by the SHA-256 of their state. Each is used once, by
the browser that has the value behind binding_hash. With user_id and session_id it links an identity
to that account, as long as that session lives.';

ALTER TABLE rustygpt.identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.identities FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.oauth_flows ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.oauth_flows FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON rustygpt.identities
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor()));
CREATE POLICY system ON rustygpt.oauth_flows USING ((SELECT rustygpt.is_system()));
