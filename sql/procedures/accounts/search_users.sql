-- The users whose user name or display name starts with the query, without their e-mail addresses.
-- For every account.
CREATE OR REPLACE FUNCTION rustygpt.search_users(_actor uuid, _query text, _limit integer)
RETURNS TABLE (id uuid, username text, display_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _pattern text := replace(replace(replace(lower(_query), '\', '\\'), '%', '\%'), '_', '\_') || '%';
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT u.id, u.username, u.display_name FROM rustygpt.users u
    WHERE (u.username_key LIKE _pattern OR lower(u.display_name) LIKE _pattern)
      AND u.disabled_at IS NULL
    ORDER BY u.username_key LIMIT _limit;
END
$$;
