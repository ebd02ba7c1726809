-- Invites to conversations.
CREATE TABLE rustygpt.invites (
  id uuid PRIMARY KEY,
  conversation_id uuid NOT NULL REFERENCES rustygpt.conversations ON DELETE CASCADE,
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  email text,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  created_by uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  used_by uuid REFERENCES rustygpt.users ON DELETE SET NULL,
  revoked_at timestamptz
);
CREATE INDEX invites_by_conversation ON rustygpt.invites (conversation_id, created_at, id);
COMMENT ON TABLE rustygpt.invites IS
  'Invites to conversations, with the SHA-256 hash of each token. An invite is used once.';

ALTER TABLE rustygpt.invites ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.invites FORCE ROW LEVEL SECURITY;
CREATE POLICY conversation_rows ON rustygpt.invites
  USING (conversation_id = (SELECT rustygpt.current_conversation())
    OR (SELECT rustygpt.is_system()));
