-- The terms of a search as a query. A word counts with and without its ending; a stop word of the
-- language only where nothing else is asked for. NULL without terms, or when no word is in them.
CREATE OR REPLACE FUNCTION rustygpt.search_query(
  _language regconfig, _terms rustygpt.search_term[]
) RETURNS tsquery
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _all tsquery := ''::tsquery;
  _one tsquery;
  _term rustygpt.search_term;
  _alternative integer;
  _needs_stop_words boolean;
BEGIN
  FOR _alternative IN SELECT DISTINCT t.alternative FROM unnest(_terms) AS t ORDER BY 1 LOOP
    _one := ''::tsquery;
    _needs_stop_words := NOT EXISTS (
      SELECT 1 FROM unnest(_terms) AS t WHERE t.alternative = _alternative AND NOT t.is_negated
        AND NOT rustygpt.search_is_stop_word(_language, t));
    FOREACH _term IN ARRAY _terms LOOP
      CONTINUE WHEN _term.alternative <> _alternative OR NOT (_needs_stop_words OR _term.is_negated)
        AND rustygpt.search_is_stop_word(_language, _term);
      _one := _one && CASE WHEN _term.is_negated THEN !! rustygpt.search_term_query(_language, _term)
        ELSE rustygpt.search_term_query(_language, _term) END;
    END LOOP;
    _all := _all || _one;
  END LOOP;
  RETURN CASE WHEN numnode(_all) > 0 THEN _all END;
END
$$;
