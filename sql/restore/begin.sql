-- Marks the schema that a restore is creating: a start refuses it until the restore is finished.
-- The reader's role creates functions in it. Run as the operator.
DO $begin$
BEGIN
  COMMENT ON SCHEMA rustygpt IS 'RustyGPT, restore in progress';
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA rustygpt TO %I',
    current_setting('rustygpt.role_prefix') || 'reader');
END
$begin$;
