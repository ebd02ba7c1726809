-- Count a user code that somebody enters, for the user and for the address. `_burst` codes at once
-- and one per interval are accepted of a user, three times as many of an address, which people may
-- share. `full_at` is the state of the tighter cell. For the system.
CREATE OR REPLACE FUNCTION rustygpt.admit_user_code(
  _user_id uuid, _address text, _interval_us bigint, _burst integer, _now timestamptz
) RETURNS TABLE (accepted boolean, full_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _of_user record;
  _of_address record;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT * INTO _of_user FROM rustygpt.take_from_cell(
    rustygpt.limit_cell_key('user code of', _user_id::text), _user_id, _interval_us, _burst, false,
    _now);
  IF NOT _of_user.accepted THEN
    RETURN QUERY SELECT false, _of_user.full_at;
    RETURN;
  END IF;
  SELECT * INTO _of_address FROM rustygpt.take_from_cell(
    rustygpt.limit_cell_key('user code from', _address), NULL, GREATEST(1, _interval_us / 3),
    3 * _burst, false, _now);
  RETURN QUERY SELECT _of_address.accepted, CASE WHEN _of_address.accepted
    THEN _of_user.full_at ELSE _of_address.full_at END;
END
$$;
