-- Index for exports, which read the threads of a conversation in the order of their ids.
CREATE INDEX IF NOT EXISTS threads_by_root_id ON rustygpt.threads (conversation_id, root_id);
