-- Indexes by which retention finds what is old, in one conversation after the other.
CREATE INDEX IF NOT EXISTS messages_by_age
  ON rustygpt.messages (conversation_id, created_at) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS revisions_of_deleted_by_age
  ON rustygpt.revisions (conversation_id, replaced_at) WHERE change = 'deleted';
CREATE INDEX IF NOT EXISTS revisions_of_deleted_by_text_age
  ON rustygpt.revisions (conversation_id, written_at) WHERE change = 'deleted';
