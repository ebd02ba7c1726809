-- The message whose excerpt the list of conversations shows when another one is deleted: the latest
-- that is not deleted and has a text. Only the latest threads, and the end of each, are searched.
CREATE OR REPLACE FUNCTION rustygpt.latest_message(_conversation_id uuid)
RETURNS rustygpt.messages
LANGUAGE sql STABLE AS $$
  SELECT m.* FROM (
    SELECT o.root_id, o.last_seq FROM rustygpt.threads o WHERE o.conversation_id = _conversation_id
    ORDER BY o.last_activity_at DESC, o.root_id DESC LIMIT 20
  ) AS t CROSS JOIN LATERAL (
    SELECT * FROM rustygpt.messages n
    WHERE n.root_id = t.root_id AND n.seq > t.last_seq - 1000
      AND n.deleted_at IS NULL AND n.content <> ''
    ORDER BY n.seq DESC LIMIT 1
  ) AS m ORDER BY m.created_event DESC LIMIT 1
$$;
