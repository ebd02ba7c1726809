-- Take one request from a cell, in one statement: the virtual scheduling form of the generic cell
-- rate algorithm (GCRA, ITU-T I.371) with the interval between requests in microseconds. A burst of
-- requests is accepted at once. With `_grows` the interval doubles for each request that is accepted
-- beyond the burst, up to 64 times, until all of the burst has become available again. `full_at` is
-- the cell's state afterwards. A state that lies further ahead than the rate allows (the rate was
-- raised, or a clock set back) counts as that of an empty cell, and by more than five seconds, which
-- the clocks of several machines may differ by, as that of a full one.
CREATE OR REPLACE FUNCTION rustygpt.take_from_cell(
  _key bytea, _user_id uuid, _interval_us bigint, _burst integer, _grows boolean, _now timestamptz,
  OUT accepted boolean, OUT full_at timestamptz
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _interval interval := _interval_us * interval '1 microsecond';
  _tolerance interval := _interval * (_burst - 1);
  _empty timestamptz := _now + _tolerance + _interval * CASE WHEN _grows THEN 64 ELSE 1 END;
  _impossible timestamptz := _empty + interval '5 seconds';
BEGIN
  INSERT INTO rustygpt.limit_cells AS c (key, user_id, full_at, growth)
  VALUES (_key, _user_id, _now + _interval, 1)
  ON CONFLICT (key) DO UPDATE SET
    full_at = CASE WHEN c.full_at BETWEEN _now AND _impossible
      THEN LEAST(c.full_at, _empty) + _interval
        * CASE WHEN _grows THEN 2 ^ LEAST(GREATEST(c.growth - _burst, 0), 6) ELSE 1 END
      ELSE _now + _interval END,
    growth = CASE WHEN c.full_at > _now AND c.full_at <= _impossible
      THEN LEAST(c.growth, 1000000) + 1 ELSE 1 END
  WHERE LEAST(c.full_at, _empty) - _tolerance <= _now OR c.full_at > _impossible
  RETURNING c.full_at INTO full_at;
  accepted := FOUND;
  IF NOT accepted THEN
    SELECT LEAST(c.full_at, _empty) INTO full_at FROM rustygpt.limit_cells c WHERE c.key = _key;
  END IF;
END
$$;
