-- Writes about 1 MB to temporary files; raises disk_full (53100) when there is no space for that.
-- Sorting more than work_mem makes the files: no table grows, and nothing remains.
CREATE OR REPLACE FUNCTION rustygpt.check_disk_space() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = rustygpt, pg_temp SET work_mem = '64kB'
AS $$ BEGIN
  PERFORM number, repeat('.', 200) FROM generate_series(1, 5000) AS number
    ORDER BY number % 7, number OFFSET 4999;
END $$;
