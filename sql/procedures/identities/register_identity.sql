-- Create an account without a password for who signs in by another provider; with the hash of an
-- invite's token, its owner is also a participant of the invite's conversation. All or nothing
-- happens. The address is one that the provider has verified, or NULL; one that another account logs
-- in with is stored like any other, but it is not the login of this one, so that nobody learns who
-- has an account here. As the system. Raises RG409 for a user name that is taken, for an identity
-- that has an account, and before the set-up; RG422 for a name that looks like another account's;
-- and the errors of use_invite.
CREATE OR REPLACE FUNCTION rustygpt.register_identity(
  _id uuid, _username text, _email text, _display_name text, _username_skeletons text[],
  _display_skeletons text[], _token_hash bytea, _identity_id uuid, _provider text, _issuer text,
  _subject text, _label text, _now timestamptz
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
  PERFORM rustygpt.insert_user(_id, _username, _id::text, '', _display_name,
    _username_skeletons, _display_skeletons, ARRAY['member'], _now);
  UPDATE rustygpt.users u SET email = COALESCE(_email, ''), email_key = NULL WHERE u.id = _id;
  IF _email IS NOT NULL THEN
    BEGIN
      UPDATE rustygpt.users u SET email_key = lower(_email) WHERE u.id = _id;
    EXCEPTION WHEN unique_violation THEN NULL;
    END;
  END IF;
  BEGIN
    INSERT INTO rustygpt.identities (id, user_id, provider, issuer, subject, label, created_at,
      last_used_at)
    VALUES (_identity_id, _id, _provider, _issuer, _subject, _label, _now, _now);
  EXCEPTION WHEN unique_violation THEN
    PERFORM rustygpt.raise_error('RG409', 'This identity has an account already; sign in again.');
  END;
  PERFORM rustygpt.audit('account.registered', _id, 'account', _id,
    _details => json_build_object('provider', _provider));
  IF _token_hash IS NULL THEN
    RETURN QUERY SELECT NULL::uuid, '{}'::bigint[], '{}'::text[], '{}'::text[];
  ELSE
    RETURN QUERY SELECT i.conversation_id, i.event_numbers, i.event_types, i.event_payloads
      FROM rustygpt.use_invite(_id, _token_hash, _now) AS i;
  END IF;
END
$$;
