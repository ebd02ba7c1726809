-- Random secrets, created once per database. Each gen_random_uuid() has 122 cryptographically
-- strong random bits.
DO $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  INSERT INTO rustygpt.secrets (name, value)
  SELECT name, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
  FROM unnest(ARRAY['session', 'app_login']) AS name
  ON CONFLICT (name) DO NOTHING;
  PERFORM rustygpt.set_actor(NULL);
END
$$;
