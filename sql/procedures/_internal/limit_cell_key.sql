-- The key of a cell, from what is limited; the last part may contain any text.
CREATE OR REPLACE FUNCTION rustygpt.limit_cell_key(VARIADIC _parts text[]) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(convert_to(array_to_string(_parts, ' '), 'UTF8'))
$$;
