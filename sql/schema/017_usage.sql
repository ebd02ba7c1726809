-- The tokens that users have used: one row per user, model and day (UTC).
CREATE TABLE rustygpt.usage (
  user_id uuid NOT NULL REFERENCES rustygpt.users ON DELETE CASCADE,
  day date NOT NULL,
  model text COLLATE "C" NOT NULL,
  answers integer NOT NULL DEFAULT 0 CHECK (answers >= 0),
  prompt_tokens bigint NOT NULL DEFAULT 0 CHECK (prompt_tokens >= 0),
  completion_tokens bigint NOT NULL DEFAULT 0 CHECK (completion_tokens >= 0),
  estimated_tokens bigint NOT NULL DEFAULT 0 CHECK (estimated_tokens >= 0),
  PRIMARY KEY (user_id, day, model)
);
CREATE INDEX usage_by_day ON rustygpt.usage (day DESC, user_id, model);
COMMENT ON TABLE rustygpt.usage IS
  'Tokens per user, model and day (UTC), without any text. The row stays when what was asked is deleted.';
COMMENT ON COLUMN rustygpt.usage.estimated_tokens IS
  'The part of prompt_tokens + completion_tokens that was estimated, because no usage was reported.';

ALTER TABLE rustygpt.usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.usage FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON rustygpt.usage
  USING ((SELECT rustygpt.is_system()) OR user_id = (SELECT rustygpt.actor())
    OR (SELECT rustygpt.is_admin(rustygpt.actor())));
