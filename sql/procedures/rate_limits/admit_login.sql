-- Count a login against its address, then against its account; `full_at` is the state of the cell
-- that refused it, or of the one with less left. For the system.
-- An account is what the login names, whether it exists or not, so that nobody learns which do.
-- Attempts from an address that the account has signed in from lately (remember_login) have a cell of
-- their own: an attack from elsewhere does not keep the owner out. The cell of all other addresses
-- gets slower with each attempt. A refused address is not counted against the account.
CREATE OR REPLACE FUNCTION rustygpt.admit_login(
  _name text, _address text, _profile text, _interval_us bigint, _burst integer, _now timestamptz
) RETURNS TABLE (accepted boolean, full_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _known_key bytea;
  _known boolean;
  _address_cell record;
  _account_cell record;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT * INTO _address_cell FROM rustygpt.take_from_cell(
    rustygpt.limit_cell_key('login from', _profile, _address), NULL, _interval_us, _burst, false,
    _now);
  IF NOT _address_cell.accepted THEN
    RETURN QUERY SELECT false, _address_cell.full_at;
    RETURN;
  END IF;
  -- The key is calculated first: row-level security lets no index be used for a join by a function.
  SELECT rustygpt.limit_cell_key('known', u.user_id::text, _address) INTO _known_key
  FROM rustygpt.find_login(_name) AS u;
  _known := EXISTS (
    SELECT 1 FROM rustygpt.limit_cells c WHERE c.key = _known_key AND c.full_at > _now);
  SELECT * INTO _account_cell FROM rustygpt.take_from_cell(
    rustygpt.limit_cell_key('login of', _profile, CASE WHEN _known THEN _address ELSE '' END,
      lower(_name)),
    NULL, _interval_us, _burst, NOT _known, _now);
  RETURN QUERY SELECT _account_cell.accepted, CASE WHEN _account_cell.accepted
    THEN GREATEST(_account_cell.full_at, _address_cell.full_at) ELSE _account_cell.full_at END;
END
$$;
