-- Roles in a conversation, the higher the more may be done.
CREATE OR REPLACE FUNCTION rustygpt.role_rank(_role text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
  SELECT array_position(ARRAY['viewer', 'member', 'admin', 'owner'], _role)
$$;
