-- Insert an account. User names and e-mail addresses are unique without regard to case; what names
-- look like is checked by claim_names.
CREATE OR REPLACE FUNCTION rustygpt.insert_user(
  _id uuid, _username text, _email text, _password_hash text, _display_name text,
  _username_skeletons text[], _display_skeletons text[], _roles text[], _now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE _constraint text;
BEGIN
  INSERT INTO rustygpt.users (id, username, username_key, email, email_key, display_name,
    password_hash, roles, created_at)
  VALUES (_id, _username, lower(_username), _email, lower(_email), _display_name,
    _password_hash, ARRAY(SELECT DISTINCT r FROM unnest(_roles) AS r ORDER BY r), _now);
  PERFORM rustygpt.claim_names(_id, _username_skeletons, _display_skeletons);
EXCEPTION WHEN unique_violation THEN
  GET STACKED DIAGNOSTICS _constraint = CONSTRAINT_NAME;
  PERFORM rustygpt.raise_error('RG409', CASE _constraint
    WHEN 'users_email_key_key' THEN 'This e-mail address is taken.'
    ELSE 'This user name is taken.' END);
END
$$;
