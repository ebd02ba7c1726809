-- The ids of up to `_limit` + 1 messages before a position, latest first, and where to go on: NULL at
-- the end. See search_messages.
CREATE OR REPLACE FUNCTION rustygpt.search_windows(
  _words tsquery, _filter rustygpt.search_filter, _scope uuid[], _before timestamptz,
  _before_id uuid, _limit integer, _now timestamptz,
  OUT ids uuid[], OUT next_at timestamptz, OUT next_id uuid
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  _last_level constant integer := 5;
  _many constant integer := 1000;
  _all_keys constant bigint[] := rustygpt.search_filter_keys(_filter, _scope);
  _one_of constant bigint[] := CASE WHEN cardinality(_scope) BETWEEN 2 AND 32 THEN
    ARRAY(SELECT rustygpt.search_key(8, c.id) FROM unnest(_scope) AS c (id)) END;
  _after constant bigint := rustygpt.search_microseconds(COALESCE(_filter.after, 'epoch'));
  _level integer := 0;
  _windows_until_growth integer := 1;
  _start bigint;
  _position bigint;
  _count integer;
  _found uuid[];
BEGIN
  ids := '{}';
  next_id := COALESCE(_before_id, '00000000-0000-0000-0000-000000000000');
  next_at := _before;
  IF _filter.before <= next_at THEN
    next_at := _filter.before;
    next_id := '00000000-0000-0000-0000-000000000000';
  END IF;
  -- No message is later than the activity of its thread and conversation: the first window is there.
  -- A position before 1970, which may be -infinity, has no number.
  _position := rustygpt.search_microseconds(GREATEST('epoch', LEAST(next_at,
    (SELECT max(c.last_activity_at) FROM rustygpt.conversations c WHERE c.id = ANY (_scope)),
    (SELECT t.last_activity_at FROM rustygpt.threads t WHERE t.root_id = _filter.root_id))));
  FOR _probe IN 1..40 LOOP
    _start := CASE WHEN _level = _last_level THEN 0
      ELSE _position >> (22 + 6 * _level) << (22 + 6 * _level) END;
    SELECT count(*), array_agg(d.message_id ORDER BY d.created_at DESC, d.message_id DESC)
      FILTER (WHERE (d.created_at, d.message_id) < (next_at, next_id)
        AND d.created_at >= COALESCE(_filter.after, '-infinity')
        AND d.conversation_id = ANY (_scope))
    INTO _count, _found
    FROM rustygpt.find_documents(_words,
      CASE WHEN _level = _last_level THEN _all_keys
        ELSE _all_keys || rustygpt.search_window(_level, _position) END,
      _one_of, CASE WHEN _level = 0 THEN 20 * _many ELSE _many END) AS d;
    IF _level > 0 AND _count = _many THEN
      -- Where one window had too many, the next one probably has, too.
      _level := _level - 1;
      _windows_until_growth := 8;
      CONTINUE;
    END IF;
    ids := ids || _found[:_limit + 1 - cardinality(ids)];
    IF cardinality(ids) > _limit OR _start <= _after THEN
      next_at := NULL;
      next_id := NULL;
      RETURN;
    END IF;
    _position := _start - 1;
    next_at := 'epoch'::timestamptz + _start * interval '1 microsecond';
    next_id := '00000000-0000-0000-0000-000000000000';
    _windows_until_growth := _windows_until_growth - 1;
    IF _windows_until_growth <= 0 THEN
      _level := LEAST(_level + 1, _last_level);
    END IF;
  END LOOP;
END
$$;
