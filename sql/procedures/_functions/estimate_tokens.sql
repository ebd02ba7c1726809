-- An estimate of a text's tokens, the same as in the server's `prompt.estimate_tokens`: four ASCII
-- characters, or one of three UTF-8 bytes, count as one token.
CREATE OR REPLACE FUNCTION rustygpt.estimate_tokens(_text text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (3 * octet_length(_text) - length(_text) + 7) / 8
$$;
