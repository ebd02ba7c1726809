-- Store chunks of an answer, the first one at `_first_idx`; an index that is stored already keeps
-- its chunk. For the system. Raises RG409 if the answer has ended or another process holds its
-- lease.
CREATE OR REPLACE FUNCTION rustygpt.append_chunks(
  _message_id uuid, _instance_id text, _first_idx integer, _contents text[], _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE _conversation_id uuid;
BEGIN
  PERFORM rustygpt.set_actor_system();
  SELECT g.conversation_id INTO _conversation_id FROM rustygpt.generations g
  WHERE g.message_id = _message_id AND g.instance_id = _instance_id FOR SHARE;
  IF _conversation_id IS NULL THEN
    PERFORM rustygpt.raise_error('RG409', 'This answer has ended.');
  END IF;
  INSERT INTO rustygpt.chunks (message_id, idx, conversation_id, content, created_at)
  SELECT _message_id, _first_idx + p.ordinality - 1, _conversation_id, p.content, _now
  FROM unnest(_contents) WITH ORDINALITY AS p (content, ordinality)
  ON CONFLICT DO NOTHING;
END
$$;
