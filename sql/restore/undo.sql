-- Removes what an unfinished restore has created. Run as the operator.
DROP SCHEMA IF EXISTS rustygpt CASCADE;
