-- Who acts, and what the policies of all tables ask. A procedure first names its actor for the
-- transaction: a person, or the system itself. Without one nothing is seen.
CREATE FUNCTION rustygpt.actor() RETURNS uuid
LANGUAGE sql STABLE AS $$
  SELECT NULLIF(NULLIF(current_setting('rustygpt.actor', true), ''), 'system')::uuid
$$;

CREATE FUNCTION rustygpt.is_system() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT COALESCE(current_setting('rustygpt.actor', true) = 'system', false)
$$;

-- The conversation that the actor was let into in this transaction; see rustygpt.enter.
CREATE FUNCTION rustygpt.current_conversation() RETURNS uuid
LANGUAGE sql STABLE AS $$
  SELECT NULLIF(current_setting('rustygpt.conversation', true), '')::uuid
$$;

CREATE FUNCTION rustygpt.set_actor(_actor uuid) RETURNS void
LANGUAGE sql AS $$
  SELECT set_config('rustygpt.actor', COALESCE(_actor::text, ''), true),
    set_config('rustygpt.conversation', '', true)
$$;

CREATE FUNCTION rustygpt.set_actor_system() RETURNS void
LANGUAGE sql AS $$
  SELECT set_config('rustygpt.actor', 'system', true), set_config('rustygpt.conversation', '', true)
$$;

-- A refusal is a SQLSTATE; the message is one sentence for a person.
CREATE FUNCTION rustygpt.raise_error(_state text, _message text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = _state, MESSAGE = _message;
END
$$;

DO $$
BEGIN
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION rustygpt.actor(), rustygpt.is_system() TO %I',
    rustygpt.role_of('reader'));
END
$$;
