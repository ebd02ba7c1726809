-- The integers that a sort key encodes; the inverse of path_encode.
CREATE OR REPLACE FUNCTION rustygpt.path_decode(_path text) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  _alphabet constant text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  _steps bigint[] := '{}';
  _at int := 1;
  _head int;
  _value bigint;
  _digit int;
BEGIN
  WHILE _at <= length(_path) LOOP
    _head := strpos(_alphabet, substr(_path, _at, 1)) - 1;
    _at := _at + 1;
    IF _head BETWEEN 11 AND 51 THEN
      _steps := _steps || (_head - 31)::bigint;
      CONTINUE;
    END IF;
    _value := 0;
    FOR _i IN 1 .. CASE WHEN _head > 51 THEN _head - 51 ELSE 11 - _head END LOOP
      _digit := strpos(_alphabet, substr(_path, _at, 1)) - 1;
      _value := _value * 62 + CASE WHEN _head > 51 THEN _digit ELSE 61 - _digit END;
      _at := _at + 1;
    END LOOP;
    _steps := _steps || CASE WHEN _head > 51 THEN _value + 21 ELSE -_value - 21 END;
  END LOOP;
  RETURN _steps;
END
$$;
