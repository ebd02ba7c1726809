-- How many tokens the user has used on the day of `_now`.
CREATE OR REPLACE FUNCTION rustygpt.show_tokens_used(_actor uuid, _now timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  RETURN rustygpt.tokens_used(_actor, _now);
END
$$;
