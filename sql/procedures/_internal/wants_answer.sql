-- Whether a text in a conversation of this mode asks for an answer.
CREATE OR REPLACE FUNCTION rustygpt.wants_answer(_mode text, _content text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT _mode = 'always'
    OR (_mode = 'mention' AND _content ~* '(^|[^[:alnum:]_@.])@assistant($|[^[:alnum:]_])')
$$;
