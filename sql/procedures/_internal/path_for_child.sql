-- The sort key of a new last child of a node: directly after the node's present subtree. Raises
-- RG409 if the key would be longer than 1,000 characters.
CREATE OR REPLACE FUNCTION rustygpt.path_for_child(_root_id uuid, _path text, _depth integer)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _after text := rustygpt.path_after(_root_id, _path, _depth);
  _end text := COALESCE(_after, '~');  -- sorts after every key
  _last text;
  _key text;
BEGIN
  SELECT m.path INTO _last FROM rustygpt.messages m
  WHERE m.root_id = _root_id AND m.path < _end
  ORDER BY m.path DESC LIMIT 1;
  _key := rustygpt.path_between(_last, _after);
  IF length(_key) > 1000 THEN
    PERFORM rustygpt.raise_error('RG409',
      'This branch is too tangled for another reply here; reply further up or start a new thread.');
  END IF;
  RETURN _key;
END
$$;
