-- The audit log, latest entries first, before the entry `_before`; of filters that are NULL none
-- applies. For global administrators.
-- The plan depends on which filters there are, so it is made for each call.
CREATE OR REPLACE FUNCTION rustygpt.list_audit(
  _actor uuid, _actions text[], _by uuid, _target_id uuid, _conversation_id uuid,
  _since timestamptz, _until timestamptz, _before bigint, _limit integer
) RETURNS TABLE (number bigint, created_at timestamptz, action text, actor_id uuid,
  actor_name text, address text, target_kind text, target_id uuid, target_name text,
  conversation_id uuid, details json)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.require_admin(_actor);
  RETURN QUERY SELECT a.number, a.created_at, a.action, a.actor_id, a.actor_name, a.address,
      a.target_kind, a.target_id, a.target_name, a.conversation_id, a.details
    FROM rustygpt.audit_entries a
    WHERE (_actions IS NULL OR a.action = ANY (_actions))
      AND (_by IS NULL OR a.actor_id = _by)
      AND (_target_id IS NULL OR a.target_id = _target_id)
      AND (_conversation_id IS NULL OR a.conversation_id = _conversation_id)
      AND (_since IS NULL OR a.created_at >= _since)
      AND (_until IS NULL OR a.created_at < _until)
      AND (_before IS NULL OR a.number < _before)
    ORDER BY a.number DESC LIMIT _limit;
END
$$;
