-- Create an account for who asks for it; with the hash of an invite's token, its owner is also a
-- participant of the invite's conversation. Both or neither happens. As the system. Raises RG409 for
-- a name or an address that is taken and before the set-up, RG422 for a name that looks like another
-- account's, and the errors of use_invite.
CREATE OR REPLACE FUNCTION rustygpt.register_user(
  _id uuid, _username text, _email text, _password_hash text, _display_name text,
  _username_skeletons text[], _display_skeletons text[], _token_hash bytea, _now timestamptz
) RETURNS TABLE (conversation_id uuid, event_numbers bigint[], event_types text[],
  event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  IF NOT EXISTS (SELECT 1 FROM rustygpt.users) THEN
    PERFORM rustygpt.raise_error('RG409',
      'This server is not set up yet; create its first administrator.');
  END IF;
  PERFORM rustygpt.insert_user(_id, _username, _email, _password_hash, _display_name,
    _username_skeletons, _display_skeletons, ARRAY['member'], _now);
  PERFORM rustygpt.audit('account.registered', _id, 'account', _id);
  IF _token_hash IS NULL THEN
    RETURN QUERY SELECT NULL::uuid, '{}'::bigint[], '{}'::text[], '{}'::text[];
  ELSE
    RETURN QUERY SELECT i.conversation_id, i.event_numbers, i.event_types, i.event_payloads
      FROM rustygpt.use_invite(_id, _token_hash, _now) AS i;
  END IF;
END
$$;
