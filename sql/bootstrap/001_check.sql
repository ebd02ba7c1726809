-- Checks whether this release can use what is in the database. Run as the operator at every start.
-- The schema files are append-only from the first release on. Before it they were rewritten, so a
-- database that a development version created cannot be upgraded. Each rewrite has its generation,
-- which is stored as the comment of the schema; another one raises RG426. Generation 1 stored none,
-- and named the table of applied scripts `ledger`.
DO $check$
DECLARE
  _generation constant text := 'RustyGPT, schema generation 8';
  _schema oid := to_regnamespace('rustygpt');
BEGIN
  IF obj_description(_schema, 'pg_namespace') = 'RustyGPT, restore in progress' THEN
    RAISE EXCEPTION USING ERRCODE = 'RG427', MESSAGE = 'The restore of a backup into this database did '
      'not finish; run rustygpt restore-backup again.';
  END IF;
  IF EXISTS (
    SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = _schema
      AND c.relname IN ('ledger', 'applied_scripts')
      AND obj_description(_schema, 'pg_namespace') IS DISTINCT FROM _generation
  ) THEN
    RAISE EXCEPTION USING ERRCODE = 'RG426',
      MESSAGE = 'A development version of RustyGPT created the tables of this database.';
  END IF;
  PERFORM set_config('rustygpt.generation', _generation, false);
END
$check$;
