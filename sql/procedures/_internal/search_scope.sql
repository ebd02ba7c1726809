-- The ids of the actor's conversations that a search looks at, latest activity first, at most
-- `_limit`: that of a thread, the one with an id, those
-- with a title, or all. Raises RG404 or RG422 if there are none.
CREATE OR REPLACE FUNCTION rustygpt.search_scope(
  _actor uuid, _filter rustygpt.search_filter, _limit integer
) RETURNS uuid[]
LANGUAGE plpgsql STABLE AS $$
DECLARE _ids uuid[];
BEGIN
  IF _filter.conversation_id IS NOT NULL AND _filter.root_id IS NULL THEN
    PERFORM rustygpt.authorize_read(_actor, _filter.conversation_id, 'conversation');
    RETURN ARRAY[_filter.conversation_id];
  END IF;
  IF _filter.root_id IS NOT NULL THEN
    PERFORM rustygpt.authorize_thread(_actor, _filter.root_id);
    RETURN ARRAY[rustygpt.current_conversation()];
  END IF;
  PERFORM rustygpt.set_actor(_actor);
  _ids := ARRAY(
    SELECT c.id FROM rustygpt.participants p
      JOIN LATERAL (
        SELECT o.* FROM rustygpt.conversations o WHERE o.id = p.conversation_id OFFSET 0
      ) AS c ON true
    WHERE p.user_id = _actor
      AND EXISTS (SELECT 1 FROM rustygpt.users u WHERE u.id = _actor AND u.disabled_at IS NULL)
      AND (_filter.title IS NULL OR lower(c.title) = lower(_filter.title))
    ORDER BY c.last_activity_at DESC, c.id LIMIT _limit);
  IF _filter.title IS NOT NULL AND _ids = '{}' THEN
    PERFORM rustygpt.raise_error('RG422',
      format('You are in no conversation with the title "%s"; in: takes a whole title, in quotes '
        'if it has blanks, or an id.', _filter.title));
  END IF;
  RETURN _ids;
END
$$;
