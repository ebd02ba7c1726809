-- The state of an invite: `live`, `used`, `revoked` or `expired`.
CREATE OR REPLACE FUNCTION rustygpt.invite_state(_invite rustygpt.invites, _now timestamptz)
RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN (_invite).used_at IS NOT NULL THEN 'used'
    WHEN (_invite).revoked_at IS NOT NULL THEN 'revoked'
    WHEN (_invite).expires_at <= _now THEN 'expired'
    ELSE 'live' END
$$;
