-- Count a login that names no account against its address, in the cell of admit_login; `full_at` is
-- the state of the cell. For the system.
CREATE OR REPLACE FUNCTION rustygpt.admit_address(
  _address text, _profile text, _interval_us bigint, _burst integer, _now timestamptz
) RETURNS TABLE (accepted boolean, full_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT c.accepted, c.full_at FROM rustygpt.take_from_cell(
    rustygpt.limit_cell_key('login from', _profile, _address), NULL, _interval_us, _burst, false,
    _now) AS c;
END
$$;
