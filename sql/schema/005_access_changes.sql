-- What gave or took rights: every process reads on in it, so that caches and open streams stay true.
CREATE TABLE rustygpt.access_changes (
  number bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('session_ended', 'session_rotated', 'disabled',
    'account_changed', 'added', 'role_updated', 'removed')),
  user_id uuid NOT NULL,
  session_id uuid,
  conversation_id uuid,
  event_number bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE rustygpt.access_changes IS
  'Changes of sessions, accounts and memberships, in the order of their commits; the latest ones.';
COMMENT ON COLUMN rustygpt.access_changes.event_number IS
  'Of a membership: the number of the event in the conversation that tells of it.';

CREATE TABLE rustygpt.access_change_counter (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  last_number bigint NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE rustygpt.access_change_counter IS
  'Counts controls under the lock of its row: number order is commit order, no holes.';

ALTER TABLE rustygpt.access_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.access_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.access_change_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.access_change_counter FORCE ROW LEVEL SECURITY;

CREATE POLICY system ON rustygpt.access_changes USING ((SELECT rustygpt.is_system()));
CREATE POLICY insert_any ON rustygpt.access_changes FOR INSERT
  WITH CHECK ((SELECT rustygpt.actor()) IS NOT NULL);
CREATE POLICY counter ON rustygpt.access_change_counter
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
