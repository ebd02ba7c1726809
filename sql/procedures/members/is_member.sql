-- Whether a person, not disabled, is in a conversation now. For the system.
CREATE OR REPLACE FUNCTION rustygpt.is_member(_conversation_id uuid, _user_id uuid)
RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN rustygpt.role_in(_conversation_id, _user_id) IS NOT NULL;
END
$$;
