-- A time in the format of the API: RFC 3339, UTC, with microseconds.
CREATE OR REPLACE FUNCTION rustygpt.rfc3339(_time timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT to_char(_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
