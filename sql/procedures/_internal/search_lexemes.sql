-- The words of a query, for highlighting.
CREATE OR REPLACE FUNCTION rustygpt.search_lexemes(_words tsquery) RETURNS text[]
LANGUAGE sql STABLE AS $$
  SELECT COALESCE(array_agg(DISTINCT r[1]), '{}')
  FROM regexp_matches(_words::text, '''([^'']+)''', 'g') AS r
$$;
