-- How many tokens a user has used on the day of `_now`, with all models.
CREATE OR REPLACE FUNCTION rustygpt.tokens_used(_user_id uuid, _now timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT COALESCE(sum(u.prompt_tokens + u.completion_tokens), 0)::bigint FROM rustygpt.usage u
  WHERE u.user_id = _user_id AND u.day = rustygpt.utc_day(_now)
$$;
