-- What the catalogs say of the schema of a store, a line for each thing, in the
-- order in which they are to be named: what is no table first. $1 is the schema.
-- The catalogs are asked for by names that nothing in a database can take.
WITH tables AS (
  SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relam
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind NOT IN ('i', 'I')
), lines AS (
  SELECT 1 AS rank, relname || ': ' || CASE relpersistence WHEN 'p' THEN '' WHEN 'u' THEN 'unlogged ' ELSE 'temporary ' END ||
    CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'p' THEN 'partitioned table'
      WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'of kind ' || relkind::pg_catalog.text END ||
    CASE WHEN relkind = 'r' AND relam <> (SELECT oid FROM pg_catalog.pg_am WHERE amname = 'heap') THEN ' of another access method' ELSE '' END AS line
  FROM tables
  UNION ALL
  SELECT 2, relname || ': row security' FROM tables WHERE relrowsecurity OR relforcerowsecurity
  UNION ALL
  SELECT 3, t.relname || ': policy ' || p.polname FROM tables t JOIN pg_catalog.pg_policy p ON p.polrelid = t.oid
  UNION ALL
  SELECT 3, t.relname || ': rule ' || r.rulename FROM tables t JOIN pg_catalog.pg_rewrite r ON r.ev_class = t.oid
  WHERE t.relkind NOT IN ('v', 'm')
  UNION ALL
  SELECT 3, t.relname || ': trigger ' || g.tgname FROM tables t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid
  UNION ALL
  SELECT 3, t.relname || ': inherited by ' || i.inhrelid::pg_catalog.regclass FROM tables t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
  UNION ALL
  SELECT 3, t.relname || ': inherits from ' || i.inhparent::pg_catalog.regclass FROM tables t JOIN pg_catalog.pg_inherits i ON i.inhrelid = t.oid
  UNION ALL
  SELECT 4, t.relname || ': column ' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) ||
    CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || CASE a.attidentity WHEN '' THEN '' ELSE ' identity' END ||
    CASE WHEN a.attcollation <> y.typcollation THEN ' collated ' || a.attcollation::pg_catalog.regcollation ELSE '' END ||
    CASE WHEN d.oid IS NULL THEN '' ELSE CASE a.attgenerated WHEN '' THEN ' default ' ELSE ' generated ' END || pg_catalog.pg_get_expr(d.adbin, d.adrelid) END
  FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL -- that a column is not null has a row of its own since PostgreSQL 18
  SELECT 5, t.relname || ': constraint ' || o.conname || ' ' || pg_catalog.pg_get_constraintdef(o.oid)
  FROM tables t JOIN pg_catalog.pg_constraint o ON o.conrelid = t.oid WHERE o.contype <> 'n'
  UNION ALL -- one that is being built, or was given up, is read by nobody
  SELECT 5, t.relname || ': ' || pg_catalog.pg_get_indexdef(i.indexrelid)
  FROM tables t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid WHERE i.indisvalid
  UNION ALL
  SELECT 6, 'function ' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1
  UNION ALL
  SELECT 6, 'operator ' || o.oprname FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE n.nspname = $1
  UNION ALL -- each table brings one, and one of lists of it
  SELECT 6, 'type ' || y.typname FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace
  WHERE n.nspname = $1 AND y.typrelid = 0 AND y.typelem = 0
)
SELECT line FROM lines ORDER BY rank, line COLLATE "C"
