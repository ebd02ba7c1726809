-- Store what the names of an account look like; NULL keeps what is stored of a kind. Raises RG422 if
-- the user name looks like a name of another account, or the display name like the user name of
-- another one. Two display names may look alike. Calls with the same skeleton wait for each other
-- until the commit, in one order, so that two accounts created at once cannot both pass.
CREATE OR REPLACE FUNCTION rustygpt.claim_names(
  _user_id uuid, _username_skeletons text[], _display_skeletons text[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE _skeleton text;
BEGIN
  FOR _skeleton IN
    SELECT DISTINCT s FROM unnest(_username_skeletons || _display_skeletons) AS s ORDER BY s
  LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended('rustygpt.name ' || _skeleton, 0));
  END LOOP;
  IF EXISTS (
    SELECT 1 FROM rustygpt.name_skeletons n
    WHERE n.skeleton = ANY (_username_skeletons) AND n.user_id <> _user_id
  ) THEN
    PERFORM rustygpt.raise_error('RG422', 'username: this looks like the name of another account');
  ELSIF EXISTS (
    SELECT 1 FROM rustygpt.name_skeletons n
    WHERE n.skeleton = ANY (_display_skeletons) AND n.user_id <> _user_id AND n.kind = 'username'
  ) THEN
    PERFORM rustygpt.raise_error('RG422',
      'display_name: this looks like the user name of another account');
  END IF;
  DELETE FROM rustygpt.name_skeletons n
  WHERE n.user_id = _user_id AND ((n.kind = 'username' AND _username_skeletons IS NOT NULL)
    OR (n.kind = 'display_name' AND _display_skeletons IS NOT NULL));
  INSERT INTO rustygpt.name_skeletons (user_id, kind, skeleton)
  SELECT _user_id, 'username', s FROM unnest(_username_skeletons) AS s
  UNION SELECT _user_id, 'display_name', s FROM unnest(_display_skeletons) AS s;
END
$$;
