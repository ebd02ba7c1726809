-- Record a heartbeat of the actor with the declared status; returns the number of the heartbeat.
-- For every account. The commit is asynchronous: a heartbeat lost in a crash is replaced by the
-- next one.
CREATE OR REPLACE FUNCTION rustygpt.record_heartbeat(
  _actor uuid, _declared_status text, _now timestamptz
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE _number bigint;
BEGIN
  PERFORM rustygpt.set_actor(_actor), set_config('synchronous_commit', 'off', true);
  PERFORM 1 FROM rustygpt.users u WHERE u.id = _actor AND u.disabled_at IS NULL;
  IF NOT FOUND THEN
    PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
  END IF;
  INSERT INTO rustygpt.presence AS p (user_id, declared_status, last_seen_at)
  VALUES (_actor, _declared_status, _now)
  ON CONFLICT (user_id) DO UPDATE
    SET declared_status = excluded.declared_status, last_seen_at = excluded.last_seen_at,
      heartbeat_seq = p.heartbeat_seq + 1
  RETURNING p.heartbeat_seq INTO _number;
  RETURN _number;
END
$$;
