-- Return a value, and let the audit entries of this transaction name the address of the client. It
-- wraps the first argument of another procedure: arguments are evaluated before the call, and a call
-- is one statement. Needs no actor.
CREATE OR REPLACE FUNCTION rustygpt.from_address(_value anyelement, _address text)
RETURNS anyelement
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM set_config('rustygpt.address', COALESCE(_address, ''), true);
  RETURN _value;
END
$$;
