-- Imports in progress. Their conversations have no participants yet, so nobody sees them.
CREATE TABLE rustygpt.imports (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  valid_until timestamptz NOT NULL
);
CREATE INDEX imports_by_user ON rustygpt.imports (user_id);
CREATE INDEX imports_by_validity ON rustygpt.imports (valid_until);
COMMENT ON TABLE rustygpt.imports IS
  'Imports in progress. One that ended without finish_import, or has not stored anything until
valid_until, has failed: expire_imports deletes what it had.';

CREATE TABLE rustygpt.import_conversations (
  import_id uuid NOT NULL REFERENCES rustygpt.imports ON DELETE CASCADE,
  conversation_id uuid NOT NULL REFERENCES rustygpt.conversations ON DELETE CASCADE,
  PRIMARY KEY (import_id, conversation_id)
);
COMMENT ON TABLE rustygpt.import_conversations IS 'The conversations of imports in progress.';

ALTER TABLE rustygpt.imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.imports FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.import_conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.import_conversations FORCE ROW LEVEL SECURITY;
CREATE POLICY system ON rustygpt.imports USING ((SELECT rustygpt.is_system()));
CREATE POLICY system ON rustygpt.import_conversations USING ((SELECT rustygpt.is_system()));
