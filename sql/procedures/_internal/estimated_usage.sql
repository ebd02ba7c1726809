-- The usage of an answer of which nobody reported one: the tokens of its text, by estimate. NULL for
-- an answer without text. What its prompt took is not known here and counts as 0.
CREATE OR REPLACE FUNCTION rustygpt.estimated_usage(_text text) RETURNS json
LANGUAGE sql IMMUTABLE AS $$
  SELECT json_build_object('prompt_tokens', 0, 'completion_tokens', e.tokens,
    'total_tokens', e.tokens, 'estimated', true)
  FROM (SELECT rustygpt.estimate_tokens(NULLIF(_text, '')) AS tokens) AS e
  WHERE e.tokens IS NOT NULL
$$;
