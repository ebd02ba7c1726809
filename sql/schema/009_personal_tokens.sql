-- Personal tokens, with which programs sign in as their users.
CREATE TABLE rustygpt.personal_tokens (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  name text NOT NULL,
  scopes text[] NOT NULL CHECK (cardinality(scopes) > 0
    AND scopes <@ ARRAY['read', 'write', 'admin', 'v1']),
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz
);
CREATE INDEX personal_tokens_by_user ON rustygpt.personal_tokens (user_id);
COMMENT ON TABLE rustygpt.personal_tokens IS
  'Personal tokens, as SHA-256 hashes. A token that was revoked is deleted.';

ALTER TABLE rustygpt.personal_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.personal_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON rustygpt.personal_tokens
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor())
    OR (SELECT rustygpt.is_admin(rustygpt.actor())));
