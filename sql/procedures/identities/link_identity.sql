-- Let the actor sign in by an identity, as long as the session in which the actor asked for it lives.
-- Linking one's own identity again changes nothing but its label. Raises RG404 if the session has
-- ended, RG403 beyond `_max_identities`, RG409 for an identity of another account.
CREATE OR REPLACE FUNCTION rustygpt.link_identity(
  _actor uuid, _session_id uuid, _id uuid, _provider text, _issuer text, _subject text,
  _label text, _max_identities integer, _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
DECLARE _owner uuid;
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM 1 FROM rustygpt.users u WHERE u.id = _actor AND u.disabled_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND OR NOT EXISTS (
    SELECT 1 FROM rustygpt.sessions s WHERE s.id = _session_id AND s.user_id = _actor
      AND LEAST(s.expires_at, s.absolute_expires_at) > _now
  ) THEN
    PERFORM rustygpt.raise_error('RG404', 'This session has ended; sign in again.');
  ELSIF (SELECT count(*) FROM rustygpt.identities i WHERE i.user_id = _actor
      AND (i.issuer, i.subject) <> (_issuer, _subject)) >= _max_identities THEN
    PERFORM rustygpt.raise_error('RG403', format(
      'You have linked %s accounts, which is the maximum; unlink one first.', _max_identities));
  END IF;
  INSERT INTO rustygpt.identities AS i (id, user_id, provider, issuer, subject, label, created_at)
  VALUES (_id, _actor, _provider, _issuer, _subject, _label, _now)
  ON CONFLICT (issuer, subject) DO UPDATE SET label = COALESCE(excluded.label, i.label)
    WHERE i.user_id = _actor
  RETURNING i.user_id INTO _owner;
  IF _owner IS NULL THEN
    PERFORM rustygpt.raise_error('RG409', 'Another account here is linked with it already.');
  END IF;
  PERFORM rustygpt.audit('identity.linked', _actor, 'account', _actor,
    _details => json_build_object('provider', _provider));
END
$$;
