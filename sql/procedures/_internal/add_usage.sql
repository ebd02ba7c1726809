-- Add the tokens of one answer to the usage of a user, a model and the day of `_now`. Rows are locked
-- after all rows of conversations; a caller that adds several does so in the order of user and model.
CREATE OR REPLACE FUNCTION rustygpt.add_usage(
  _user_id uuid, _model text, _prompt_tokens bigint, _completion_tokens bigint,
  _estimated boolean, _now timestamptz
) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO rustygpt.usage AS u (user_id, day, model, answers, prompt_tokens, completion_tokens,
    estimated_tokens)
  VALUES (_user_id, rustygpt.utc_day(_now), _model, 1, _prompt_tokens, _completion_tokens,
    CASE WHEN _estimated THEN _prompt_tokens + _completion_tokens ELSE 0 END)
  ON CONFLICT (user_id, day, model) DO UPDATE SET answers = u.answers + 1,
    prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = u.completion_tokens + excluded.completion_tokens,
    estimated_tokens = u.estimated_tokens + excluded.estimated_tokens
$$;
