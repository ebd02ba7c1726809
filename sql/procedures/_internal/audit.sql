-- Write an entry of the audit log, in the transaction of what it is about. `_actor` is NULL for the
-- server itself; `_details` holds settings and roles, never text of messages and no secret.
CREATE OR REPLACE FUNCTION rustygpt.audit(
  _action text, _actor uuid, _target_kind text, _target_id uuid,
  _conversation_id uuid DEFAULT NULL, _details json DEFAULT NULL, _target_name text DEFAULT NULL
) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO rustygpt.audit_entries (created_at, action, actor_id, actor_name, address,
    target_kind, target_id, target_name, conversation_id, details)
  VALUES (clock_timestamp(), _action, _actor,
    (SELECT u.username FROM rustygpt.users u WHERE u.id = _actor),
    NULLIF(current_setting('rustygpt.address', true), ''), _target_kind, _target_id,
    COALESCE(_target_name, (SELECT u.username FROM rustygpt.users u
      WHERE _target_kind = 'account' AND u.id = _target_id)),
    _conversation_id, _details)
$$;
