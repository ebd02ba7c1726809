-- Whether a term is one word that the language leaves out.
CREATE OR REPLACE FUNCTION rustygpt.search_is_stop_word(
  _language regconfig, _term rustygpt.search_term
) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT numnode(plainto_tsquery(_language, _term.text)) = 0
    AND numnode(plainto_tsquery('simple', _term.text)) = 1
    AND octet_length(_term.text) = length(_term.text)
$$;
