-- A sort key from a sequence of integers: an order-preserving, self-delimiting variable-length
-- encoding (the idea of the integer prefix in
-- https://observablehq.com/@dgreensp/implementing-fractional-indexing, and of the varints in
-- https://sqlite.org/src4/doc/trunk/www/varint.wiki). The byte order of keys is the order of the
-- sequences. Digits are base 62 (0-9A-Za-z). An integer from -20 to 20 is the one character 31 + n.
-- Any other integer is a head character that gives the sign and the number of digits, and then the
-- digits, which are complemented when the integer is negative.
CREATE OR REPLACE FUNCTION rustygpt.path_encode(_steps bigint[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  _alphabet constant text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  _path text := '';
  _step bigint;
  _rest bigint;
  _digits text;
BEGIN
  FOREACH _step IN ARRAY _steps LOOP
    IF _step BETWEEN -20 AND 20 THEN
      _path := _path || substr(_alphabet, (_step + 32)::int, 1);
      CONTINUE;
    END IF;
    _rest := abs(_step) - 21;
    _digits := '';
    LOOP
      _digits := substr(_alphabet,
        (CASE WHEN _step > 0 THEN _rest % 62 ELSE 61 - _rest % 62 END)::int + 1, 1) || _digits;
      _rest := _rest / 62;
      EXIT WHEN _rest = 0;
    END LOOP;
    _path := _path || substr(_alphabet,
      CASE WHEN _step > 0 THEN 52 + length(_digits) ELSE 12 - length(_digits) END, 1) || _digits;
  END LOOP;
  RETURN _path;
END
$$;
