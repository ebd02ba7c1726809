-- The keys that all messages of a search have; see search_keys. Raises RG422 for an unknown author.
CREATE OR REPLACE FUNCTION rustygpt.search_filter_keys(
  _filter rustygpt.search_filter, _scope uuid[]
) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _keys bigint[] := '{}';
  _author_id uuid;
BEGIN
  IF cardinality(_scope) = 1 THEN
    _keys := _keys || rustygpt.search_key(8, _scope[1]);
  END IF;
  IF _filter.root_id IS NOT NULL THEN
    _keys := _keys || rustygpt.search_key(12, _filter.root_id);
  END IF;
  IF _filter.has_code THEN
    _keys := _keys || rustygpt.search_key(11, 0);
  END IF;
  IF _filter.author = 'assistant' THEN
    _keys := _keys || rustygpt.search_key(10, 0);
  ELSIF _filter.author IS NOT NULL THEN
    SELECT u.id INTO _author_id FROM rustygpt.users u WHERE u.username_key = _filter.author;
    IF _author_id IS NULL THEN
      PERFORM rustygpt.raise_error('RG422', format('There is no user with the name "%s"; from: '
        'takes a user name, or assistant.', _filter.author));
    END IF;
    _keys := _keys || rustygpt.search_key(9, _author_id);
  END IF;
  RETURN _keys;
END
$$;
