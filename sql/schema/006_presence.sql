-- The last heartbeat of each user. Every heartbeat updates the row, so no column that changes has
-- an index, and pages have free space: the updates are heap-only (HOT).
CREATE TABLE rustygpt.presence (
  user_id uuid PRIMARY KEY REFERENCES rustygpt.users ON DELETE CASCADE,
  declared_status text NOT NULL CHECK (declared_status IN ('online', 'away', 'offline')),
  last_seen_at timestamptz NOT NULL,
  heartbeat_seq bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 50);
COMMENT ON TABLE rustygpt.presence IS
  'The last declared status of each user and its time, which the status shown depends on, too.';
COMMENT ON COLUMN rustygpt.presence.heartbeat_seq IS
  'Counts heartbeats, so that a process can tell which of two is the later one.';

ALTER TABLE rustygpt.presence ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.presence FORCE ROW LEVEL SECURITY;
CREATE POLICY select_any ON rustygpt.presence FOR SELECT
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
CREATE POLICY insert_own ON rustygpt.presence FOR INSERT
  WITH CHECK (user_id = (SELECT rustygpt.actor()));
CREATE POLICY update_own ON rustygpt.presence FOR UPDATE
  USING (user_id = (SELECT rustygpt.actor()));
