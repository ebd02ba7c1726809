-- The response to the import that the actor's idempotency key was used for; NULL without one.
-- Raises RG409 if that was another request.
CREATE OR REPLACE FUNCTION rustygpt.read_import_response(
  _actor uuid, _key text, _body_hash bytea, _now timestamptz
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN rustygpt.idempotency_lookup(_actor, _key, _body_hash, _now)::text;
END
$$;
