-- Add the usage, by estimate, of the answers that are in progress in a conversation: it is being
-- deleted, and their ends are not stored. A user could otherwise have answers that no budget counts.
CREATE OR REPLACE FUNCTION rustygpt.add_unfinished_usage(_conversation_id uuid, _now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _actor text := current_setting('rustygpt.actor', true);
  _current text := current_setting('rustygpt.conversation', true);
BEGIN
  PERFORM rustygpt.set_actor_system();
  UPDATE rustygpt.messages m SET usage = (
    SELECT rustygpt.estimated_usage(string_agg(c.content, '' ORDER BY c.idx))
    FROM rustygpt.chunks c WHERE c.message_id = m.id)
  FROM rustygpt.generations g
  WHERE g.conversation_id = _conversation_id AND m.id = g.message_id;
  PERFORM rustygpt.add_answer_usage(ARRAY(SELECT g.message_id FROM rustygpt.generations g
    WHERE g.conversation_id = _conversation_id), _now);
  PERFORM set_config('rustygpt.actor', _actor, true),
    set_config('rustygpt.conversation', _current, true);
END
$$;
