-- Who was seen last when. A row is written with every heartbeat, so no index is on what changes and
-- pages keep room: the new version of a row stays on its page (HOT).
CREATE TABLE rustygpt.presence (
  user_id uuid PRIMARY KEY REFERENCES rustygpt.users ON DELETE CASCADE,
  declared_status text NOT NULL CHECK (declared_status IN ('online', 'away', 'offline')),
  last_seen_at timestamptz NOT NULL,
  heartbeat_seq bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 50);
COMMENT ON TABLE rustygpt.presence IS
  'What each person said last of their presence, and when; what is shown also goes by the silence.';
COMMENT ON COLUMN rustygpt.presence.heartbeat_seq IS
  'Counts heartbeats: of two that processes hear of, the later one has the higher number.';

ALTER TABLE rustygpt.presence ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.presence FORCE ROW LEVEL SECURITY;
CREATE POLICY select_any ON rustygpt.presence FOR SELECT
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
CREATE POLICY insert_own ON rustygpt.presence FOR INSERT
  WITH CHECK (user_id = (SELECT rustygpt.actor()));
CREATE POLICY update_own ON rustygpt.presence FOR UPDATE
  USING (user_id = (SELECT rustygpt.actor()));
