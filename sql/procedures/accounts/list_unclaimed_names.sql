-- Accounts whose names' skeletons are not stored yet. For the system.
CREATE OR REPLACE FUNCTION rustygpt.list_unclaimed_names(_limit integer)
RETURNS TABLE (id uuid, username text, display_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  RETURN QUERY SELECT u.id, u.username, u.display_name FROM rustygpt.users u
    WHERE NOT EXISTS (SELECT 1 FROM rustygpt.name_skeletons n WHERE n.user_id = u.id)
    ORDER BY u.id LIMIT _limit;
END
$$;
