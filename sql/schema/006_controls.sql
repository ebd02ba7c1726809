-- What gave or took rights: every process reads on in it, so that caches and open streams stay true.
CREATE TABLE rustygpt.controls (
  number bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('session_ended', 'session_rotated', 'disabled',
    'account_changed', 'added', 'role_updated', 'removed')),
  user_id uuid NOT NULL,
  session_id uuid,
  conversation_id uuid,
  event bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE rustygpt.controls IS
  'Changes of sessions, accounts and memberships, in the order of their commits; the latest ones.';
COMMENT ON COLUMN rustygpt.controls.event IS
  'Of a membership: the number of the event in the conversation that tells of it.';

CREATE TABLE rustygpt.control_count (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  last bigint NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE rustygpt.control_count IS
  'Counts controls under the lock of its row: number order is commit order, no holes.';

ALTER TABLE rustygpt.controls ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.controls FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.control_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.control_count FORCE ROW LEVEL SECURITY;

CREATE POLICY system ON rustygpt.controls USING ((SELECT rustygpt.is_system()));
CREATE POLICY made ON rustygpt.controls FOR INSERT
  WITH CHECK ((SELECT rustygpt.actor()) IS NOT NULL);
CREATE POLICY counted ON rustygpt.control_count
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
