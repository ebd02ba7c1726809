-- Check that another answer may be generated beside an answer; raises RG409 otherwise.
CREATE OR REPLACE FUNCTION rustygpt.check_may_regenerate(
  _conversation rustygpt.conversations, _old rustygpt.messages, _question rustygpt.messages
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rustygpt.check_not_archived(_conversation);
  PERFORM rustygpt.raise_error('RG409', r.reason) FROM (SELECT CASE
    WHEN _old.role <> 'assistant' THEN 'Only an answer of the assistant can be regenerated.'
    WHEN _old.streaming THEN 'This answer is still being written; wait for its end, or stop it.'
    WHEN _question.deleted_at IS NOT NULL THEN 'The question is deleted; restore it first.'
    WHEN _conversation.assistant_mode = 'off' THEN 'The assistant is off in this conversation.'
    END AS reason) AS r WHERE r.reason IS NOT NULL;
END
$$;
