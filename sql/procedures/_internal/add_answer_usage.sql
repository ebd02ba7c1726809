-- Add the usage of answers that have ended to that of the users who asked for them. Answers without
-- usage or without a user are left out.
CREATE OR REPLACE FUNCTION rustygpt.add_answer_usage(_message_ids uuid[], _now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _message rustygpt.messages;
BEGIN
  FOR _message IN
    SELECT m.* FROM rustygpt.messages m JOIN rustygpt.users u ON u.id = m.requested_by
    WHERE m.id = ANY (_message_ids) AND m.usage IS NOT NULL
    ORDER BY m.requested_by, m.model, m.id
  LOOP
    PERFORM rustygpt.add_usage(_message.requested_by, COALESCE(_message.model, ''),
      (_message.usage ->> 'prompt_tokens')::bigint,
      (_message.usage ->> 'completion_tokens')::bigint,
      COALESCE((_message.usage ->> 'estimated')::boolean, false), _now);
  END LOOP;
END
$$;
