-- The sort key of the first node after a node's subtree; NULL if the subtree is at the end of the
-- thread. Scans rows of the subtree as long as that costs no more than the alternative, which is to
-- probe the index once per level above.
CREATE OR REPLACE FUNCTION rustygpt.path_after(_root_id uuid, _path text, _depth integer)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _most bigint := 32 + 16 * _depth;
  _found record;
BEGIN
  IF _depth = 1 THEN
    RETURN NULL;
  END IF;
  SELECT s.path, s.depth INTO _found FROM (
    SELECT m.path, m.depth, row_number() OVER (ORDER BY m.path) AS ordinal
    FROM rustygpt.messages m WHERE m.root_id = _root_id AND m.path > _path
    ORDER BY m.path LIMIT _most
  ) AS s WHERE s.depth <= _depth OR s.ordinal = _most ORDER BY s.path LIMIT 1;
  IF NOT FOUND OR _found.depth <= _depth THEN
    RETURN _found.path;
  END IF;
  RETURN (
    SELECT min(n.path) FROM generate_series(2, _depth) AS level
    CROSS JOIN LATERAL (
      SELECT m.path FROM rustygpt.messages m
      WHERE m.root_id = _root_id AND m.depth = level AND m.path > _path
      ORDER BY m.path LIMIT 1
    ) n);
END
$$;
