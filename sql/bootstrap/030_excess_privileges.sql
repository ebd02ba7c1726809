-- What PostgreSQL allows to every role, and the pool's role must not do: it could harm other sessions,
-- fill the disk, or prepare code for later. Run as the owner at every start. `needed` marks what the
-- application's own functions use, or need for being created: their owners keep it.
CREATE OR REPLACE FUNCTION rustygpt.excess_privileges(_role text)
RETURNS TABLE (kind text, privilege text, object text, needed boolean)
LANGUAGE sql STABLE AS $$
  SELECT 'temporary tables', 'TEMPORARY', format('DATABASE %I', current_database()), false
  WHERE has_database_privilege(_role, current_database(), 'TEMPORARY')
  UNION ALL
  SELECT 'objects in the schema public', 'CREATE', 'SCHEMA public', false
  FROM pg_catalog.pg_namespace n
  WHERE n.nspname = 'public' AND has_schema_privilege(_role, n.oid, 'CREATE')
  UNION ALL
  SELECT 'code of its own', 'USAGE', format('LANGUAGE %I', l.lanname), true
  FROM pg_catalog.pg_language l
  WHERE l.lanpltrusted AND has_language_privilege(_role, l.oid, 'USAGE')
  UNION ALL
  SELECT f.kind, 'EXECUTE', format('FUNCTION %s', p.oid::regprocedure), f.needed
  FROM pg_catalog.pg_proc p JOIN (VALUES
      ('large objects', '^(lo_.*|loread|lowrite)$', false),
      ('advisory locks', '^pg_(try_)?advisory_(xact_)?lock(_shared)?$', true),
      ('signals to other sessions', '^pg_(cancel|terminate)_backend$', false),
      ('writing to the log of transactions', '^pg_logical_emit_message$', false)
    ) AS f (kind, pattern, needed) ON p.proname ~ f.pattern
  WHERE p.pronamespace = 'pg_catalog'::regnamespace
    AND has_function_privilege(_role, p.oid, 'EXECUTE')
$$;
