-- End up to 100 answers whose lease has expired, with the text of their stored chunks and an error, and
-- add their usage to that of the users who asked. For the system.
CREATE OR REPLACE FUNCTION rustygpt.fail_orphans(_now timestamptz)
RETURNS TABLE (message_id uuid, conversation_id uuid, event_numbers bigint[],
  event_types text[], event_payloads text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _generation rustygpt.generations;
  _logged record;
  _ended uuid[] := '{}';
BEGIN
  PERFORM rustygpt.set_actor_system();
  FOR _generation IN
    SELECT * FROM rustygpt.generations g WHERE g.lease_until <= _now
    ORDER BY g.conversation_id, g.message_id LIMIT 100
  LOOP
    PERFORM 1 FROM rustygpt.conversations c WHERE c.id = _generation.conversation_id
    FOR NO KEY UPDATE;
    CONTINUE WHEN NOT EXISTS (SELECT 1 FROM rustygpt.generations g
      WHERE g.message_id = _generation.message_id AND g.lease_until <= _now);
    SELECT * INTO _logged FROM rustygpt.end_answer(_generation.message_id,
      _generation.instance_id, NULL, NULL, 'error', NULL, 'RGP.UNAVAILABLE',
      'The server stopped while it wrote this answer; ask again.', NULL, _now);
    _ended := _ended || _generation.message_id;
    RETURN QUERY SELECT _generation.message_id, _generation.conversation_id, _logged.event_numbers,
      _logged.event_types, _logged.event_payloads;
  END LOOP;
  PERFORM rustygpt.add_answer_usage(_ended, _now);
END
$$;
