-- The types of the parameter and of the rows of post_messages.
CREATE TYPE rustygpt.new_message AS (
  actor uuid,
  conversation_id uuid,
  parent_id uuid,
  id uuid,
  content text,
  role text,
  model text,
  idempotency_key text,
  body_hash bytea,
  answer_id uuid,
  limit_profile text,
  limit_interval_us bigint,
  limit_burst integer
);
COMMENT ON TYPE rustygpt.new_message IS
  'A message to post: a root has a conversation_id, a reply has a parent_id. `answer_id` is the id
of the assistant''s answer, should the message ask for one. The columns limit_* are the profile that
limits posts of this user to the conversation: see take_from_cell; NULL is no limit.';

CREATE TYPE rustygpt.post_result AS (
  ordinal integer,
  state text,
  reason text,
  message_id uuid,
  root_id uuid,
  conversation_id uuid,
  depth integer,
  parent_id uuid,
  replayed boolean,
  event_numbers bigint[],
  event_types text[],
  event_payloads text[],
  answer_id uuid,
  answer_model text,
  limit_full_at timestamptz
);
COMMENT ON TYPE rustygpt.post_result IS
  'The result for the message at `ordinal` of the array. `state` is NULL for a stored message;
`busy`, with the conversation_id, if the statement would have had to wait for a lock; else the
SQLSTATE of the error, with its message in `reason`. `limit_full_at` is the state of the limit''s
cell; it is NULL for a post that was not counted. Fields that do not apply are NULL.';
