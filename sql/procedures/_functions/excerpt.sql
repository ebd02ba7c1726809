-- The beginning of a text on one line, at most 240 characters.
CREATE OR REPLACE FUNCTION rustygpt.excerpt(_text text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT left(btrim(regexp_replace(left(_text, 1000), '\s+', ' ', 'g')), 240)
$$;
