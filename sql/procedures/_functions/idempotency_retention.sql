-- How long the response to a request with an idempotency key is kept.
CREATE OR REPLACE FUNCTION rustygpt.idempotency_retention() RETURNS interval
LANGUAGE sql IMMUTABLE AS $$ SELECT interval '24 hours' $$;
