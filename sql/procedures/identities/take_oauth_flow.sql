-- Use a flow up, once, for the browser and the provider that it began with. Returns no row for any
-- other one, and for one that has expired. For the system.
CREATE OR REPLACE FUNCTION rustygpt.take_oauth_flow(
  _state_hash bytea, _binding_hash bytea, _provider text, _now timestamptz
) RETURNS TABLE (user_id uuid, session_id uuid, invite_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY DELETE FROM rustygpt.oauth_flows f
    WHERE f.state_hash = _state_hash AND f.binding_hash = _binding_hash
      AND f.provider = _provider AND f.expires_at > _now
    RETURNING f.user_id, f.session_id, f.invite_hash;
END
$$;
