-- When the assistant answers in a conversation that was created without a mode: to every message in
-- one with a single user, when mentioned in a group.
CREATE OR REPLACE FUNCTION rustygpt.default_assistant_mode(_is_group boolean) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN _is_group THEN 'mention' ELSE 'always' END
$$;
