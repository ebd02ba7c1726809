-- Usage by day, user and model, latest day first, after the row of `_after_day`, `_after_user` and
-- `_after_model`. Of the actor, of the account with the id or name `_user`, or of all if that is NULL
-- and `_everyone`; of others for global administrators only (RG403). RG404 for an unknown account.
-- The plan depends on which filters there are, so it is made for each call.
CREATE OR REPLACE FUNCTION rustygpt.list_usage(
  _actor uuid, _user text, _everyone boolean, _since date, _until date, _after_day date,
  _after_user uuid, _after_model text, _limit integer
) RETURNS TABLE (day date, user_id uuid, username text, model text, answers integer,
  prompt_tokens bigint, completion_tokens bigint, total_tokens bigint, estimated_tokens bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  _user_id uuid := _actor;
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  IF _everyone THEN
    PERFORM rustygpt.require_admin(_actor);
    _user_id := NULL;
  ELSIF _user IS NOT NULL THEN
    _user_id := (SELECT u.id FROM rustygpt.users u WHERE u.username_key = lower(_user)
      UNION ALL SELECT u.id FROM rustygpt.users u WHERE u.id::text = lower(_user) LIMIT 1);
    IF _user_id IS DISTINCT FROM _actor THEN
      PERFORM rustygpt.require_admin(_actor);
    END IF;
    IF _user_id IS NULL THEN
      PERFORM rustygpt.raise_error('RG404', 'There is no such account.');
    END IF;
  END IF;
  RETURN QUERY SELECT f.day, f.user_id, p.username, f.model, f.answers, f.prompt_tokens,
      f.completion_tokens, f.prompt_tokens + f.completion_tokens, f.estimated_tokens
    FROM (
      (SELECT u.* FROM rustygpt.usage u
      WHERE u.day = _after_day AND (u.user_id, u.model) > (_after_user, _after_model)
        AND (_user_id IS NULL OR u.user_id = _user_id)
        AND (_since IS NULL OR u.day >= _since) AND (_until IS NULL OR u.day <= _until)
      ORDER BY u.user_id, u.model LIMIT _limit)
      UNION ALL
      (SELECT u.* FROM rustygpt.usage u
      WHERE (_after_day IS NULL OR u.day < _after_day)
        AND (_user_id IS NULL OR u.user_id = _user_id)
        AND (_since IS NULL OR u.day >= _since) AND (_until IS NULL OR u.day <= _until)
      ORDER BY u.day DESC, u.user_id, u.model LIMIT _limit)
    ) AS f JOIN rustygpt.users p ON p.id = f.user_id
    ORDER BY f.day DESC, f.user_id, f.model LIMIT _limit;
END
$$;
