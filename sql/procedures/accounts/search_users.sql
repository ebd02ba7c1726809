-- People whose user name or display name starts so, without e-mail addresses. Anybody logged in.
CREATE OR REPLACE FUNCTION rustygpt.search_users(_actor uuid, _query text, _limit integer)
RETURNS TABLE (id uuid, username text, display_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _start text := replace(replace(replace(lower(_query), '\', '\\'), '%', '\%'), '_', '\_') || '%';
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT u.id, u.username, u.display_name FROM rustygpt.users u
    WHERE (u.username_key LIKE _start OR lower(u.display_name) LIKE _start)
      AND u.disabled_at IS NULL
    ORDER BY u.username_key LIMIT _limit;
END
$$;
