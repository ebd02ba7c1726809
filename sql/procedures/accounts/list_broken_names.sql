-- The user names of accounts that break the rule for names: a form that is not allowed any more, a
-- user name or display name that looks reserved, or like the user name of an account that existed
-- before. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_broken_names(_reserved text[], _limit integer)
RETURNS TABLE (username text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT u.username FROM rustygpt.users u
    WHERE u.username !~ '^[A-Za-z0-9][A-Za-z0-9._-]{1,31}$' OR EXISTS (
      SELECT 1 FROM rustygpt.name_skeletons n
        LEFT JOIN rustygpt.name_skeletons o ON o.skeleton = n.skeleton AND o.user_id <> n.user_id
          AND o.kind = 'username' AND (n.kind = 'display_name' OR o.user_id < n.user_id)
      WHERE n.user_id = u.id AND (n.skeleton = ANY (_reserved) OR o.user_id IS NOT NULL))
    ORDER BY u.username_key LIMIT _limit;
END
$$;
