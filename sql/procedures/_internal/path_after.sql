-- The sort key of the first node after a node's subtree; NULL if the subtree is at the end of the
-- thread. Scans up to 32 rows; in a larger subtree it probes the index once per level above.
CREATE OR REPLACE FUNCTION rustygpt.path_after(_root_id uuid, _path text, _depth integer)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _found text;
  _seen integer;
BEGIN
  IF _depth = 1 THEN
    RETURN NULL;
  END IF;
  SELECT min(s.path) FILTER (WHERE s.depth <= _depth), count(*) INTO _found, _seen
  FROM (
    SELECT m.path, m.depth FROM rustygpt.messages m
    WHERE m.root_id = _root_id AND m.path > _path ORDER BY m.path LIMIT 32
  ) s;
  IF _found IS NOT NULL OR _seen < 32 THEN
    RETURN _found;
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
