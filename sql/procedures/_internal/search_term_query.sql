-- One term of a search as a query: its words follow each other. A part in a script without blanks
-- between words is a phrase of pairs; see search_pairs.
CREATE OR REPLACE FUNCTION rustygpt.search_term_query(
  _language regconfig, _term rustygpt.search_term
) RETURNS tsquery
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _text text := rustygpt.search_text(_term.text);
  _words text;
  _query tsquery := ''::tsquery;
  _run text;
BEGIN
  _words := btrim(regexp_replace(_text, '[' || rustygpt.search_runs() || ']+', ' ', 'g'));
  IF _words <> '' THEN
    -- In order, words are as they are: without stop words, and endings, others would fulfil it.
    _query := websearch_to_tsquery('simple', '"' || _words || '"');
    IF _words !~ '\s' THEN
      _query := websearch_to_tsquery(_language, _words) || _query;
    END IF;
    IF _term.is_prefix THEN
      -- The last word of a phrase is completed; the words before it are as they are.
      _query := _query || (
        SELECT string_agg(quote_literal(lower(w.word)), ' <-> ' ORDER BY w.position) || ':*'
        FROM regexp_split_to_table(_words, '\s+') WITH ORDINALITY AS w (word, position))::tsquery;
    END IF;
  END IF;
  FOR _run IN
    SELECT r[1] FROM regexp_matches(_text, '[' || rustygpt.search_runs() || ']+', 'g') AS r
  LOOP
    _query := _query && CASE WHEN length(_run) = 1 THEN (quote_literal(_run) || ':*')::tsquery ELSE (
      SELECT string_agg(quote_literal(substr(_run, n, 2)), ' <-> ' ORDER BY n)
      FROM generate_series(1, length(_run) - 1) AS n)::tsquery END;
  END LOOP;
  RETURN _query;
END
$$;
