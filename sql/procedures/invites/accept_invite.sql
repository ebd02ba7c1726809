-- Accept an invite: the actor joins its conversation. Raises the errors of use_invite, and RG403 for
-- an account that may only read.
CREATE OR REPLACE FUNCTION rustygpt.accept_invite(
  _actor uuid, _token_hash bytea, _now timestamptz
) RETURNS TABLE (conversation_id uuid, role text, event_numbers bigint[], event_types text[],
  event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM rustygpt.check_may_write(_actor);
  RETURN QUERY SELECT * FROM rustygpt.use_invite(_actor, _token_hash, _now);
END
$$;
