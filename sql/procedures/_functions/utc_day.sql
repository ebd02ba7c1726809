-- The day of a time in UTC, by which usage is counted and budgets are renewed.
CREATE OR REPLACE FUNCTION rustygpt.utc_day(_moment timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (_moment AT TIME ZONE 'UTC')::date
$$;
