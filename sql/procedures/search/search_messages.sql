-- The messages that fulfil a search, latest first, after the one at (`_cursor_at`, `_cursor_id`). For
-- their participants. A page ends at `_limit` messages, 1 MiB, or when enough was looked at: the
-- columns next_* say where the next one begins, and are NULL at the end. `complete` is false while
-- older messages are not in the index yet, or more than 200 new ones, as after an import, or if the
-- actor is in more than 200 conversations.
--
-- The index is asked for one window of time after the other, from the cursor back: a window without
-- enough messages is followed by one that is 64 times as long, one with too many is divided.
CREATE OR REPLACE FUNCTION rustygpt.search_messages(
  _actor uuid, _filter rustygpt.search_filter, _terms rustygpt.search_term[],
  _cursor_at timestamptz, _cursor_id uuid, _limit integer, _now timestamptz
) RETURNS TABLE (next_at timestamptz, next_id uuid, complete boolean, lexemes text[],
  conversation_title text, thread_excerpt text, id uuid, root_id uuid, conversation_id uuid, role text, content text, path text,
  depth integer, seq integer, created_at timestamptz, parent_id uuid, author_user_id uuid,
  author_name text, edited_at timestamptz, deleted_at timestamptz, deleted_by uuid, model text,
  reasoning text, finish_reason text, usage json, error json, omitted_messages integer, streaming boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
DECLARE
  _is_behind boolean;
  _scope uuid[];
  _state rustygpt.search_state;
  _words tsquery;
  _found record;
BEGIN
  PERFORM rustygpt.set_actor_system();
  _is_behind := EXISTS (SELECT 1 FROM rustygpt.search_queue q ORDER BY q.number OFFSET 200);
  _scope := rustygpt.search_scope(_actor, _filter, 201);
  SELECT * INTO STRICT _state FROM rustygpt.search_state;
  _words := rustygpt.search_query(_state.language::regconfig, _terms);
  IF _words IS NULL AND cardinality(_terms) > 0 OR _scope = '{}' THEN
    RETURN;
  END IF;
  SELECT * INTO STRICT _found FROM rustygpt.search_windows(_words, _filter, _scope[:200],
    COALESCE(_cursor_at, _now + interval '1 day'), _cursor_id, _limit, _now);
  RETURN QUERY
    WITH kept AS (
      SELECT o.*, t.root_excerpt, c.title, f.ordinality, lead(f.ordinality) OVER w IS NOT NULL AS followed,
        sum(octet_length(o.content) + COALESCE(octet_length(o.reasoning), 0) + 600) OVER w AS bytes
      FROM unnest(_found.ids) WITH ORDINALITY AS f (message_id, ordinality)
        JOIN rustygpt.messages o ON o.id = f.message_id
        JOIN rustygpt.threads t ON t.root_id = o.root_id
        JOIN rustygpt.conversations c ON c.id = o.conversation_id
      WINDOW w AS (ORDER BY f.ordinality)
    ), page AS (
      SELECT k.* FROM kept k
      WHERE k.ordinality <= _limit AND (k.ordinality = 1 OR k.bytes <= 1048576)
    ), last AS (
      SELECT p.created_at, p.id, p.followed FROM page p ORDER BY p.ordinality DESC LIMIT 1
    )
    SELECT CASE WHEN l.followed THEN l.created_at ELSE _found.next_at END,
      CASE WHEN l.followed THEN l.id ELSE _found.next_id END,
      _state.filled_up_to IS NULL AND NOT _is_behind AND cardinality(_scope) <= 200,
      rustygpt.search_lexemes(_words),
      m.title, m.root_excerpt, m.id, m.root_id, m.conversation_id, m.role, m.content, m.path, m.depth,
      m.seq, m.created_at, m.parent_id, m.author_user_id, m.author_name, m.edited_at,
      m.deleted_at, m.deleted_by, m.model, m.reasoning, m.finish_reason, m.usage, m.error,
      m.omitted_messages, m.streaming
    FROM (SELECT 1) AS always LEFT JOIN page m ON true LEFT JOIN last l ON true
    ORDER BY m.ordinality;
END
$$;
