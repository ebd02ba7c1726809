-- For how many days texts, events and audit entries are kept; NULL is for ever.
CREATE TABLE rustygpt.retention (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  messages_days integer CHECK (messages_days BETWEEN 1 AND 36500),
  deleted_messages_days integer CHECK (deleted_messages_days BETWEEN 1 AND 36500),
  events_days integer CHECK (events_days BETWEEN 1 AND 36500),
  audit_days integer CHECK (audit_days BETWEEN 30 AND 36500)
);
COMMENT ON TABLE rustygpt.retention IS
  'The retention of the whole server, in days since a message was written, or deleted, or an event or
audit entry was stored. There is at most one row.';

CREATE TABLE rustygpt.conversation_retention (
  conversation_id uuid PRIMARY KEY REFERENCES rustygpt.conversations ON DELETE CASCADE,
  messages_days integer CHECK (messages_days BETWEEN 1 AND 36500),
  deleted_messages_days integer CHECK (deleted_messages_days BETWEEN 1 AND 36500)
);
COMMENT ON TABLE rustygpt.conversation_retention IS
  'Conversations with a retention of their own; a value that is NULL is that of the server.';

ALTER TABLE rustygpt.retention ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.retention FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.conversation_retention ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.conversation_retention FORCE ROW LEVEL SECURITY;
CREATE POLICY admins ON rustygpt.retention
  USING ((SELECT rustygpt.is_system()) OR (SELECT rustygpt.is_admin(rustygpt.actor())));
CREATE POLICY admins ON rustygpt.conversation_retention
  USING ((SELECT rustygpt.is_system()) OR (SELECT rustygpt.is_admin(rustygpt.actor())));
