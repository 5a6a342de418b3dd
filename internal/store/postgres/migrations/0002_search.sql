-- The same tables as the SQLite store's; see there for what they mean.
CREATE TABLE zones (
  first BIGINT PRIMARY KEY,
  n     BIGINT NOT NULL,
  low   BIGINT NOT NULL,
  high  BIGINT NOT NULL,
  pairs BYTEA NOT NULL,
  sums  BYTEA NOT NULL
);
ALTER TABLE zones ALTER COLUMN sums SET STORAGE EXTERNAL; -- nothing to compress
CREATE TABLE evidence_counts (
  source   BIGINT NOT NULL,
  kind     BIGINT NOT NULL,
  evidence BIGINT NOT NULL,
  live     BIGINT NOT NULL,
  PRIMARY KEY (source, kind)
);
