-- The profiles that the server names, and the routes that they limit; what an administrator changed
-- is kept. A rate that is NULL is that of the settings.
DO $$
DECLARE
  _now timestamptz := clock_timestamp();
BEGIN
  PERFORM rustygpt.set_actor_system();
  INSERT INTO rustygpt.limit_profiles (id, name, requests_per_second, burst, description, built_in,
    created_at, updated_at)
  SELECT gen_random_uuid(), p.name, p.requests_per_second, p.burst, p.description, true, _now, _now
  FROM (VALUES
    ('default', NULL::double precision, NULL::integer,
      'Routes without an assignment, by user or address. From rate_limits.default_rps and burst.'),
    ('auth.login', NULL, NULL,
      'Logins by address and by account, registrations by address. '
        'From rate_limits.auth_login_per_ip_per_min.'),
    ('conversation.post', 5, 10, 'Posts by user and conversation; edits and regenerated answers by user.')
  ) AS p (name, requests_per_second, burst, description)
  ON CONFLICT (name) DO NOTHING;
  INSERT INTO rustygpt.limit_assignments (id, profile_id, method, path_pattern, pattern_key,
    created_at, updated_at)
  SELECT gen_random_uuid(), p.id, 'POST', a.path_pattern, a.pattern_key, _now, _now
  FROM (VALUES
    ('auth.login', '/api/auth/login', '/api/auth/login'),
    ('auth.login', '/api/auth/password', '/api/auth/password'),
    ('auth.login', '/api/auth/register', '/api/auth/register'),
    ('conversation.post', '/api/threads/{conversation_id}/root', '/api/threads/{}/root'),
    ('conversation.post', '/api/messages/{parent_id}/reply', '/api/messages/{}/reply'),
    ('conversation.post', '/api/messages/{message_id}/regenerate', '/api/messages/{}/regenerate'),
    ('conversation.post', '/api/messages/{message_id}/edit', '/api/messages/{}/edit')
  ) AS a (profile, path_pattern, pattern_key)
  JOIN rustygpt.limit_profiles p ON p.name = a.profile
  ON CONFLICT (method, pattern_key) DO NOTHING;
  PERFORM rustygpt.set_actor(NULL);
END
$$;
