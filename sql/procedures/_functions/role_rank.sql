-- The rank of a role in a conversation; a higher rank has more rights.
CREATE OR REPLACE FUNCTION rustygpt.role_rank(_role text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
  SELECT array_position(ARRAY['viewer', 'member', 'admin', 'owner'], _role)
$$;
