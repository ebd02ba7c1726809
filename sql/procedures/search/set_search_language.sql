-- Set the language of the words that the search finds; another one makes fill_search write them all
-- again. For the system. Raises RG422 for a language that PostgreSQL does not have.
CREATE OR REPLACE FUNCTION rustygpt.set_search_language(_language text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp AS $$
BEGIN
  PERFORM rustygpt.set_actor_system();
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_ts_config c
    WHERE c.cfgname = _language AND pg_catalog.pg_ts_config_is_visible(c.oid))
  THEN
    PERFORM rustygpt.raise_error('RG422', format(
      'PostgreSQL has no text search configuration "%s"; it has: %s.', _language,
      (SELECT string_agg(c.cfgname, ', ' ORDER BY c.cfgname) FROM pg_catalog.pg_ts_config c
      WHERE pg_catalog.pg_ts_config_is_visible(c.oid))));
  END IF;
  UPDATE rustygpt.search_state s SET language = _language,
    filled_up_to = '00000000-0000-0000-0000-000000000000'
  WHERE s.language <> _language;
END
$$;
