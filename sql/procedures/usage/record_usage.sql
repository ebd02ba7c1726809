-- Add the tokens of a completion that belongs to no message to the usage of the user.
CREATE OR REPLACE FUNCTION rustygpt.record_usage(
  _actor uuid, _model text, _prompt_tokens bigint, _completion_tokens bigint,
  _estimated boolean, _now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM rustygpt.set_actor(_actor);
  PERFORM rustygpt.add_usage(_actor, _model, _prompt_tokens, _completion_tokens, _estimated, _now);
END
$$;
