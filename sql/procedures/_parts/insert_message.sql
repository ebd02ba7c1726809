-- Put a person's message in its place in the tree and count it in its thread. The conversation's
-- row is locked, so its last event number tells the number that will tell of this message.
CREATE OR REPLACE FUNCTION rustygpt.insert_message(
  _actor uuid, _room rustygpt.conversations, _parent_id uuid, _id uuid, _content text,
  _role text, _now timestamptz
) RETURNS rustygpt.messages
LANGUAGE plpgsql AS $$
DECLARE
  _m rustygpt.messages;
  _p rustygpt.messages;
BEGIN
  IF _parent_id IS NULL THEN
    _m.root_id := _id;
    _m.path := rustygpt.path_encode(ARRAY[0]);
    _m.depth := 1;
    _m.seq := 1;
    _m.born := _room.last_event + 2;
    INSERT INTO rustygpt.threads (root_id, conversation_id, root_excerpt, root_author, created_at,
      last_activity_at, message_count, participant_count, last_seq, last_born)
    VALUES (_id, _room.id, rustygpt.excerpt(_content), _actor, _now, _now, 1, 0, 1, _m.born);
  ELSE
    SELECT * INTO STRICT _p FROM rustygpt.messages WHERE id = _parent_id;
    _m.root_id := _p.root_id;
    _m.path := rustygpt.path_for_child(_p.root_id, _p.path, _p.depth);
    _m.depth := _p.depth + 1;
    _m.born := _room.last_event + 1;
    UPDATE rustygpt.threads t SET last_activity_at = GREATEST(t.last_activity_at, _now),
      message_count = t.message_count + 1, last_seq = t.last_seq + 1, last_born = _m.born
    WHERE t.root_id = _p.root_id RETURNING t.last_seq INTO _m.seq;
  END IF;
  INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
    created_at, parent_id, author_user_id, author_name, born)
  VALUES (_id, _m.root_id, _room.id, _role, _content, _m.path, _m.depth, _m.seq, _now, _parent_id,
    _actor, (SELECT COALESCE(u.display_name, u.username) FROM rustygpt.users u WHERE u.id = _actor),
    _m.born)
  RETURNING * INTO _m;
  INSERT INTO rustygpt.thread_people (root_id, user_id, conversation_id)
  VALUES (_m.root_id, _actor, _room.id) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    UPDATE rustygpt.threads t SET participant_count = t.participant_count + 1
    WHERE t.root_id = _m.root_id;
  END IF;
  RETURN _m;
END
$$;
