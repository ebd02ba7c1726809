-- Indexes for lists and for pruning.
CREATE INDEX IF NOT EXISTS threads_by_activity
  ON rustygpt.threads (conversation_id, last_activity_at DESC, root_id DESC);
CREATE INDEX IF NOT EXISTS threads_by_created_event
  ON rustygpt.threads (conversation_id, last_created_event);
CREATE INDEX IF NOT EXISTS users_by_username_prefix
  ON rustygpt.users (username_key text_pattern_ops);
CREATE INDEX IF NOT EXISTS users_by_display_name_prefix
  ON rustygpt.users (display_key text_pattern_ops);
CREATE INDEX IF NOT EXISTS users_administrators
  ON rustygpt.users (id) WHERE 'admin' = ANY (roles) AND disabled_at IS NULL;
CREATE INDEX IF NOT EXISTS sessions_by_user ON rustygpt.sessions (user_id, issued_at);
CREATE INDEX IF NOT EXISTS session_tokens_by_session ON rustygpt.session_tokens (session_id);
CREATE INDEX IF NOT EXISTS events_with_excerpts
  ON rustygpt.events (conversation_id) WHERE type = 'conversation.updated';
CREATE INDEX IF NOT EXISTS events_by_age ON rustygpt.events (created_at);
CREATE INDEX IF NOT EXISTS idempotency_by_age ON rustygpt.idempotency (created_at);
CREATE INDEX IF NOT EXISTS generations_by_lease ON rustygpt.generations (lease_until);
