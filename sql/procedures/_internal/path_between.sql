-- A sort key between two adjacent ones (`_after` is NULL at the end): fractional indexing, as
-- described at https://www.figma.com/blog/realtime-editing-of-ordered-sequences/, on sequences of
-- integers instead of digits. It returns the shortest key it can: replies in a chain and in a wide
-- thread increment a single integer.
CREATE OR REPLACE FUNCTION rustygpt.path_between(_before text, _after text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  _low bigint[] := rustygpt.path_decode(_before);
  _high bigint[] := rustygpt.path_decode(_after);
  _same int := 0;
BEGIN
  IF _after IS NULL THEN
    RETURN rustygpt.path_encode(ARRAY[_low[1] + 1]);
  END IF;
  WHILE _same < cardinality(_low) AND _low[_same + 1] = _high[_same + 1] LOOP
    _same := _same + 1;
  END LOOP;
  IF _same = cardinality(_low) THEN
    RETURN rustygpt.path_encode(_low || (_high[_same + 1] - 1));
  ELSIF _high[_same + 1] - _low[_same + 1] >= 2 THEN
    RETURN rustygpt.path_encode(_low[:_same] || (_low[_same + 1] + 1));
  ELSIF _same + 1 = cardinality(_low) THEN
    RETURN rustygpt.path_encode(_low || 0::bigint);
  END IF;
  RETURN rustygpt.path_encode(_low[:_same + 1] || (_low[_same + 2] + 1));
END
$$;
