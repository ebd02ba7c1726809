-- The actor of a transaction, on which the row-level security policies of all tables depend. Each
-- procedure sets it first: a user, or the system. Without an actor no row is visible.
CREATE FUNCTION rustygpt.actor() RETURNS uuid
LANGUAGE sql STABLE AS $$
  SELECT NULLIF(NULLIF(current_setting('rustygpt.actor', true), ''), 'system')::uuid
$$;

CREATE FUNCTION rustygpt.is_system() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT COALESCE(current_setting('rustygpt.actor', true) = 'system', false)
$$;

-- The conversation that the actor is authorized for in this transaction; see authorize_read.
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

-- Raise an error with a SQLSTATE; the message is one sentence that users may see.
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
