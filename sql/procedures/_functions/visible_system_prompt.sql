-- The system prompt of a conversation as a participant with this role sees it: only its owners and
-- administrators do.
CREATE OR REPLACE FUNCTION rustygpt.visible_system_prompt(_role text, _system_prompt text)
RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN rustygpt.role_rank(_role) >= rustygpt.role_rank('admin') THEN _system_prompt END
$$;
