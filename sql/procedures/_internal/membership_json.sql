-- The payload of a membership.changed event; a removal has no role.
CREATE OR REPLACE FUNCTION rustygpt.membership_json(
  _conversation_id uuid, _user_id uuid, _action text, _role text
) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT json_strip_nulls(json_build_object('conversation_id', _conversation_id,
    'user_id', _user_id, 'action', _action, 'role', _role))::text
$$;
