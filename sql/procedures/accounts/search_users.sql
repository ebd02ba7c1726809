-- The users whose user name or display name starts with the query, without their e-mail addresses; of
-- each kind the first `_limit` are considered. For every account. A prefix is a range here, because
-- row-level security lets no index be used for LIKE.
CREATE OR REPLACE FUNCTION rustygpt.search_users(_actor uuid, _query text, _limit integer)
RETURNS TABLE (id uuid, username text, display_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _from text := lower(_query);
  _to text := _from || chr(1114111);
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN QUERY SELECT f.id, f.username, f.display_name FROM (
      (SELECT u.id, u.username, u.display_name, u.username_key FROM rustygpt.users u
      WHERE u.username_key ~>=~ _from AND u.username_key ~<~ _to AND u.disabled_at IS NULL
      ORDER BY u.username_key USING ~<~ LIMIT _limit)
      UNION
      (SELECT u.id, u.username, u.display_name, u.username_key FROM rustygpt.users u
      WHERE u.display_key ~>=~ _from AND u.display_key ~<~ _to AND u.disabled_at IS NULL
      ORDER BY u.display_key USING ~<~ LIMIT _limit)
    ) AS f ORDER BY f.username_key LIMIT _limit;
END
$$;
