-- The audit log: who did what to whom, when and from where. Entries hold no text of messages.
CREATE TABLE rustygpt.audit_entries (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL,
  action text NOT NULL,
  actor_id uuid,
  actor_name text,
  address text,
  target_kind text,
  target_id uuid,
  target_name text,
  conversation_id uuid,
  details json
);
COMMENT ON TABLE rustygpt.audit_entries IS
  'What was done that concerns accounts, access and administration. No policy permits an update, so that
entries never change; prune_audit deletes old ones, but none that is younger than 30 days.';
COMMENT ON COLUMN rustygpt.audit_entries.number IS
  'The order in which the entries were written, with gaps; that of the commits may differ.';
COMMENT ON COLUMN rustygpt.audit_entries.created_at IS
  'By the clock of the database, which no other computer can set.';
COMMENT ON COLUMN rustygpt.audit_entries.actor_id IS
  'NULL for the server itself. There are no foreign keys: an entry outlives what it names.';
COMMENT ON COLUMN rustygpt.audit_entries.address IS
  'The address of the client; NULL for what no request caused.';
CREATE INDEX audit_entries_by_time ON rustygpt.audit_entries (created_at);
CREATE INDEX audit_entries_by_action ON rustygpt.audit_entries (action, number);
CREATE INDEX audit_entries_by_actor ON rustygpt.audit_entries (actor_id, number);
CREATE INDEX audit_entries_by_target ON rustygpt.audit_entries (target_id, number);
CREATE INDEX audit_entries_by_conversation ON rustygpt.audit_entries (conversation_id, number)
  WHERE conversation_id IS NOT NULL;

ALTER TABLE rustygpt.audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.audit_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY select_by_admin ON rustygpt.audit_entries FOR SELECT
  USING ((SELECT rustygpt.is_system()) OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY insert_any ON rustygpt.audit_entries FOR INSERT
  WITH CHECK ((SELECT rustygpt.is_system()) OR (SELECT rustygpt.actor()) IS NOT NULL);
CREATE POLICY delete_old ON rustygpt.audit_entries FOR DELETE
  USING ((SELECT rustygpt.is_system())
    AND created_at < clock_timestamp() - make_interval(days => 30));
