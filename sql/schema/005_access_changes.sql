-- The log of access changes. Every server process follows it to update its caches and open streams.
CREATE TABLE rustygpt.access_changes (
  number bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('session_ended', 'session_rotated',
    'password_changed', 'disabled', 'account_changed', 'added', 'role_updated', 'removed',
    'limits_changed', 'conversation_deleted')),
  user_id uuid NOT NULL,
  session_id uuid,
  conversation_id uuid,
  event_number bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE rustygpt.access_changes IS
  'Changes of sessions, accounts, memberships and rate limits in the order of commits; the oldest are
pruned.';
COMMENT ON COLUMN rustygpt.access_changes.event_number IS
  'For a change of membership, the number of its event in the conversation; for a change of the
password, the generation of the session that it came with.';

CREATE TABLE rustygpt.access_change_counter (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  last_number bigint NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE rustygpt.access_change_counter IS
  'The last number of access_changes. It is incremented under the lock of its row, so that the order
of numbers is the order of commits, without gaps.';

ALTER TABLE rustygpt.access_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.access_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.access_change_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.access_change_counter FORCE ROW LEVEL SECURITY;

CREATE POLICY system ON rustygpt.access_changes USING ((SELECT rustygpt.is_system()));
CREATE POLICY insert_any ON rustygpt.access_changes FOR INSERT
  WITH CHECK ((SELECT rustygpt.actor()) IS NOT NULL);
CREATE POLICY counter ON rustygpt.access_change_counter
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
