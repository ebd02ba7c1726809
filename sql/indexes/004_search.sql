-- The index of the search. What is posted waits in a list of at most 256 KiB, which each search reads.
CREATE INDEX IF NOT EXISTS search_documents_by_words ON rustygpt.search_documents
  USING gin (words, keys) WITH (gin_pending_list_limit = 256);
