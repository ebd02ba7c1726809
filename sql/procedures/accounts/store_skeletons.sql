-- Store the skeletons of an existing account's names, which may break the rule. For the system.
CREATE OR REPLACE FUNCTION rustygpt.store_skeletons(
  _user_id uuid, _username_skeletons text[], _display_skeletons text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  INSERT INTO rustygpt.name_skeletons (user_id, kind, skeleton)
  SELECT _user_id, 'username', s FROM unnest(_username_skeletons) AS s
  UNION SELECT _user_id, 'display_name', s FROM unnest(_display_skeletons) AS s
  ON CONFLICT DO NOTHING;
END
$$;
