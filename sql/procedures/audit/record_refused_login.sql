-- Write an audit entry about a refused login, to an account or, with NULL, to an unknown one, whose
-- name is not recorded: it may be a password. For the system.
CREATE OR REPLACE FUNCTION rustygpt.record_refused_login(_user_id uuid, _reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  PERFORM rustygpt.audit('login.refused', NULL, 'account', _user_id,
    _details => json_build_object('reason', _reason));
END
$$;
