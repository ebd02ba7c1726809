-- Store that a browser signs in at another provider, or links an identity to an account. For the
-- system.
CREATE OR REPLACE FUNCTION rustygpt.begin_oauth_flow(
  _state_hash bytea, _binding_hash bytea, _provider text, _user_id uuid, _session_id uuid,
  _invite_hash bytea, _expires_at timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  INSERT INTO rustygpt.oauth_flows (state_hash, binding_hash, provider, user_id, session_id,
    invite_hash, expires_at)
  VALUES (_state_hash, _binding_hash, _provider, _user_id, _session_id, _invite_hash, _expires_at);
END
$$;
