-- The full-text search of messages. One row per message that can be found, beside the messages: its
-- text as words, and keys of what a search filters by. A GIN index has both (sql/indexes/004_search.sql);
-- it knows no order, so that the time is among the keys, in windows of several sizes.
CREATE TABLE rustygpt.search_documents (
  message_id uuid PRIMARY KEY,
  conversation_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  keys bigint[] NOT NULL,
  words tsvector NOT NULL
);
COMMENT ON TABLE rustygpt.search_documents IS
  'What the search finds: the current texts of messages that are neither deleted nor being written.';
COMMENT ON COLUMN rustygpt.search_documents.keys IS
  'See search_keys: windows of time, the conversation, the thread, the author, and whether the text has code.';

CREATE TABLE rustygpt.search_queue (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id uuid NOT NULL
);
COMMENT ON TABLE rustygpt.search_queue IS
  'Messages whose text is new. fill_search writes their words: within a second, so that no post and no
lock of a conversation waits for it.';

CREATE TABLE rustygpt.search_state (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  language text NOT NULL,
  filled_up_to uuid
);
COMMENT ON TABLE rustygpt.search_state IS 'The language of the words, and how far they are written.';
COMMENT ON COLUMN rustygpt.search_state.filled_up_to IS
  'Messages up to this id have their row in this language; NULL when all have. See fill_search.';
SELECT rustygpt.set_actor_system();
INSERT INTO rustygpt.search_state (language, filled_up_to)
SELECT 'english', CASE WHEN EXISTS (SELECT FROM rustygpt.messages)
  THEN '00000000-0000-0000-0000-000000000000'::uuid END;

-- The types of the parameters of search_messages.
CREATE TYPE rustygpt.search_filter AS (
  conversation_id uuid,
  root_id uuid,
  title text,
  author text,
  has_code boolean,
  after timestamptz,
  before timestamptz
);
COMMENT ON TYPE rustygpt.search_filter IS
  'What messages have to fulfil beside their words. `title` names conversations instead of the id.';
CREATE TYPE rustygpt.search_term AS (
  alternative integer,
  text text,
  is_prefix boolean,
  is_negated boolean
);
COMMENT ON TYPE rustygpt.search_term IS
  'A word, or several that follow each other. A message has to fulfil all terms of one alternative.';

-- A number for the index: the kind in the upper 8 bits, the value in the lower 56.
CREATE FUNCTION rustygpt.search_key(_kind integer, _value bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT (_kind::bigint << 56) | _value $$;
CREATE FUNCTION rustygpt.search_key(_kind integer, _id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT (_kind::bigint << 56) | ('x' || right(_id::text, 12))::bit(48)::bigint
$$;

-- The window of time that a moment lies in: 4 s, 4.5 min, 4.8 h, 13 d or 2.2 years, by level 0 to 4.
CREATE FUNCTION rustygpt.search_window(_level integer, _microseconds bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT rustygpt.search_key(_level + 1, _microseconds >> (22 + 6 * _level))
$$;
CREATE FUNCTION rustygpt.search_microseconds(_moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT (EXTRACT(epoch FROM _moment) * 1000000)::bigint $$;

-- All keys of a message.
CREATE FUNCTION rustygpt.search_keys(_message rustygpt.messages) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _microseconds bigint := rustygpt.search_microseconds(_message.created_at);
  _keys bigint[] := ARRAY[rustygpt.search_key(8, _message.conversation_id),
    rustygpt.search_key(12, _message.root_id)];
BEGIN
  FOR _level IN 0..4 LOOP
    _keys := _keys || rustygpt.search_window(_level, _microseconds);
  END LOOP;
  IF _message.author_user_id IS NOT NULL THEN
    _keys := _keys || rustygpt.search_key(9, _message.author_user_id);
  ELSIF _message.role = 'assistant' THEN
    _keys := _keys || rustygpt.search_key(10, 0);
  END IF;
  IF strpos(_message.content, '`') > 0 AND _message.content ~ '`[^`\n]+`|(^|\n) {0,3}(```|~~~)' THEN
    _keys := _keys || rustygpt.search_key(11, 0);
  END IF;
  RETURN _keys;
END
$$;

-- A text in which only words are left: whatever is no letter or digit is a blank. PostgreSQL's parser
-- would read `self.hub` as a host, drop `<b>` as a tag, and count «quotes» to the word in the C locale.
CREATE FUNCTION rustygpt.search_text(_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  -- The parser itself removes other punctuation.
  IF _text ~ '[<>&+/:@_=\\~#-]|[.][^[:space:]]' THEN
    _text := translate(_text, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32));
  END IF;
  IF octet_length(_text) = length(_text) THEN
    RETURN _text;
  END IF;
  RETURN regexp_replace(normalize(_text, NFC),
    '[\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u2000-\u206f\u2190-\u2bff'
    '\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u30fb\ufe00-\ufe0f\ufe30-\ufe4f\uff00-\uff0f'
    '\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff]', ' ', 'g');
END
$$;

-- Whether a text has letters of scripts that are written without blanks between words.
CREATE FUNCTION rustygpt.search_runs() RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT '\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff'
    '\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f'
    '\U00020000-\U0003ffff'
$$;

-- The pairs of neighbouring letters of such scripts, with their positions; the last letter of a run
-- alone. Any part of a run is then a phrase of pairs.
CREATE FUNCTION rustygpt.search_pairs(_text text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT string_agg(p.letter || p.next || ':' || LEAST(p.position, 16383), ' ')
  FROM (
    SELECT c.letter, btrim(lead(c.letter, 1, '') OVER (ORDER BY c.position)) AS next, c.position
    FROM string_to_array(
        btrim(regexp_replace(_text, '[^' || rustygpt.search_runs() || ']+', ' ', 'g')), NULL) AS t,
      unnest(t) WITH ORDINALITY AS c (letter, position)
  ) AS p WHERE p.letter <> ' '
$$;

-- A text whose Latin letters have no accents. Other scripts stay: there a mark can be another letter.
CREATE FUNCTION rustygpt.search_plain(_text text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT normalize(
    regexp_replace(normalize(_text, NFD), '([A-Za-z])[\u0300-\u036f]+', '\1', 'g'), NFC)
$$;

-- A text as words: those of the language, without endings and stop words; all as they are; those with
-- accents also without, as many people type them; and pairs.
CREATE FUNCTION rustygpt.search_words(_language regconfig, _text text) RETURNS tsvector
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _more tsvector := '';
  _plain text;
BEGIN
  _text := rustygpt.search_text(_text);
  IF octet_length(_text) > length(_text) AND _text ~ ('[' || rustygpt.search_runs() || ']') THEN
    _more := rustygpt.search_pairs(_text);
    _text := regexp_replace(_text, '[' || rustygpt.search_runs() || ']+', ' ', 'g');
  END IF;
  IF octet_length(_text) > length(_text) THEN
    _plain := rustygpt.search_plain(_text);
    IF _plain <> _text THEN
      _more := _more || strip(to_tsvector(_language, _plain) || to_tsvector('simple', _plain));
    END IF;
  END IF;
  -- Words in order are as they are written: only these have positions.
  RETURN strip(to_tsvector(_language, _text)) || to_tsvector('simple', _text) || _more;
END
$$;

-- Write the row of a message, or delete it if the message cannot be found any more.
CREATE FUNCTION rustygpt.index_message(_message rustygpt.messages, _language text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF _message.deleted_at IS NOT NULL OR _message.streaming OR _message.content = '' THEN
    DELETE FROM rustygpt.search_documents d WHERE d.message_id = _message.id;
    RETURN;
  END IF;
  INSERT INTO rustygpt.search_documents (message_id, conversation_id, created_at, keys, words)
  VALUES (_message.id, _message.conversation_id, _message.created_at,
    rustygpt.search_keys(_message),
    rustygpt.search_words(_language::regconfig, _message.content))
  ON CONFLICT (message_id) DO UPDATE SET keys = excluded.keys, words = excluded.words;
END
$$;

-- An earlier text is not found from this moment on, the new one as soon as it is indexed.
CREATE FUNCTION rustygpt.enqueue_for_search() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM rustygpt.search_documents d WHERE d.message_id = NEW.id;
  END IF;
  IF NEW.deleted_at IS NULL AND NOT NEW.streaming THEN
    INSERT INTO rustygpt.search_queue (message_id) VALUES (NEW.id);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER search_posted AFTER INSERT ON rustygpt.messages
  FOR EACH ROW WHEN (NOT NEW.streaming) EXECUTE FUNCTION rustygpt.enqueue_for_search();
CREATE TRIGGER search_changed AFTER UPDATE OF content, deleted_at, streaming ON rustygpt.messages
  FOR EACH ROW WHEN (OLD.content IS DISTINCT FROM NEW.content
    OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at OR OLD.streaming <> NEW.streaming)
  EXECUTE FUNCTION rustygpt.enqueue_for_search();

-- Not a foreign key, which would cost each post a query.
CREATE FUNCTION rustygpt.forget_for_search() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM rustygpt.search_documents d USING deleted_messages o WHERE d.message_id = o.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER search_deleted AFTER DELETE ON rustygpt.messages
  REFERENCING OLD TABLE AS deleted_messages
  FOR EACH STATEMENT EXECUTE FUNCTION rustygpt.forget_for_search();

ALTER TABLE rustygpt.search_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.search_documents FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.search_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.search_queue FORCE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.search_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE rustygpt.search_state FORCE ROW LEVEL SECURITY;
CREATE POLICY member_rows ON rustygpt.search_documents
  USING (conversation_id = (SELECT rustygpt.current_conversation())
    OR (SELECT rustygpt.is_system())
    OR conversation_id IN (SELECT rustygpt.my_conversations()));
CREATE POLICY system ON rustygpt.search_queue USING ((SELECT rustygpt.is_system()));
CREATE POLICY insert_any ON rustygpt.search_queue FOR INSERT
  WITH CHECK ((SELECT rustygpt.actor()) IS NOT NULL);
CREATE POLICY select_any ON rustygpt.search_state FOR SELECT
  USING ((SELECT rustygpt.actor()) IS NOT NULL OR (SELECT rustygpt.is_system()));
CREATE POLICY system ON rustygpt.search_state USING ((SELECT rustygpt.is_system()));

-- Row-level security keeps `@@` out of conditions of an index: it could reveal what it compares. So
-- the index is read by the second role, which sees all rows, and only their ids. Its caller compares
-- the conversations with those that the actor is in.
DO $$
DECLARE _reader text := rustygpt.role_of('reader');
BEGIN
  EXECUTE format('GRANT SELECT ON rustygpt.search_documents TO %I', _reader);
  EXECUTE format(
    'CREATE POLICY reader ON rustygpt.search_documents FOR SELECT TO %I USING (true)', _reader);
END
$$;
SELECT set_config('role', rustygpt.role_of('reader'), false);
-- The messages with all of the keys, one of the other keys (NULL: any), and the words (NULL: any), in
-- no order, at most `_limit`. Without sequential scans: with a limit PostgreSQL otherwise hopes to find
-- frequent words soon in the oldest rows.
CREATE FUNCTION rustygpt.find_documents(
  _words tsquery, _keys bigint[], _one_of bigint[], _limit integer
) RETURNS TABLE (message_id uuid, conversation_id uuid, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp
SET enable_seqscan = off ROWS 100 AS $$
#variable_conflict use_column
BEGIN
  IF _words IS NULL AND _one_of IS NULL THEN
    RETURN QUERY SELECT d.message_id, d.conversation_id, d.created_at
      FROM rustygpt.search_documents d WHERE d.keys @> _keys LIMIT _limit;
  ELSIF _words IS NULL THEN
    RETURN QUERY SELECT d.message_id, d.conversation_id, d.created_at
      FROM rustygpt.search_documents d WHERE d.keys @> _keys AND d.keys && _one_of LIMIT _limit;
  ELSIF _one_of IS NULL THEN
    RETURN QUERY SELECT d.message_id, d.conversation_id, d.created_at
      FROM rustygpt.search_documents d WHERE d.words @@ _words AND d.keys @> _keys LIMIT _limit;
  ELSE
    RETURN QUERY SELECT d.message_id, d.conversation_id, d.created_at
      FROM rustygpt.search_documents d
      WHERE d.words @@ _words AND d.keys @> _keys AND d.keys && _one_of LIMIT _limit;
  END IF;
END
$$;
DO $$
BEGIN
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION rustygpt.find_documents(tsquery, bigint[], bigint[], integer) TO %I',
    rustygpt.role_of('owner'));
END
$$;
SELECT set_config('role', rustygpt.role_of('owner'), false);
