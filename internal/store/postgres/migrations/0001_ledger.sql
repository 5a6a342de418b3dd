-- The same tables as the SQLite store's; see there for what they mean.
CREATE TABLE line_blocks (
  first BIGINT PRIMARY KEY,
  n     BIGINT NOT NULL,
  raw   BIGINT NOT NULL,
  data  BYTEA NOT NULL
);
ALTER TABLE line_blocks ALTER COLUMN data SET STORAGE EXTERNAL; -- compressed already
CREATE TABLE tiles (
  level  BIGINT NOT NULL,
  n      BIGINT NOT NULL,
  hashes BYTEA NOT NULL,
  PRIMARY KEY (level, n)
);
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TABLE checkpoint (
  id            BIGINT PRIMARY KEY CHECK (id = 1),
  size          BIGINT NOT NULL,
  at            BIGINT NOT NULL,
  note          BYTEA NOT NULL,
  indexed       BIGINT NOT NULL,
  indexed_block BIGINT NOT NULL
);

CREATE TABLE payload_blocks (
  block BIGINT PRIMARY KEY,
  head  BYTEA NOT NULL,
  raw   BIGINT NOT NULL,
  data  BYTEA NOT NULL
);
ALTER TABLE payload_blocks ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE key_index (
  khash BIGINT NOT NULL,
  seq   BIGINT NOT NULL,
  PRIMARY KEY (khash, seq)
);
CREATE TABLE subject_index (
  shash BIGINT NOT NULL,
  seq   BIGINT NOT NULL,
  PRIMARY KEY (shash, seq)
);
CREATE TABLE payload_index (
  prefix BIGINT NOT NULL,
  block  BIGINT NOT NULL,
  PRIMARY KEY (prefix, block)
);
CREATE TABLE entry_types (
  seq  BIGINT PRIMARY KEY,
  type TEXT NOT NULL
);
CREATE TABLE runs (
  opened BIGINT PRIMARY KEY,
  id     TEXT NOT NULL UNIQUE,
  source BIGINT NOT NULL,
  closed BIGINT
);
CREATE INDEX runs_source ON runs (source, opened);
CREATE TABLE evidence (
  seq     BIGINT PRIMARY KEY,
  kind    BIGINT NOT NULL,
  source  BIGINT NOT NULL,
  run     BIGINT NOT NULL,
  pblock  BIGINT NOT NULL,
  hashes  BYTEA NOT NULL,
  grp     BIGINT,
  next    BIGINT,
  gone    BIGINT,
  gone_at BIGINT
);
CREATE INDEX evidence_heads ON evidence (kind, seq) WHERE next IS NULL;
CREATE INDEX evidence_group ON evidence (grp, kind) WHERE grp IS NOT NULL AND next IS NULL AND gone IS NULL;

CREATE TABLE names (
  id   BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE evidence_groups (
  id     BIGINT PRIMARY KEY,
  source BIGINT NOT NULL,
  name   TEXT NOT NULL,
  UNIQUE (source, name)
);

CREATE TABLE state (
  source    BIGINT NOT NULL,
  is_cursor BIGINT NOT NULL,
  name      TEXT NOT NULL,
  value     BYTEA NOT NULL,
  PRIMARY KEY (source, is_cursor, name)
);
CREATE TABLE tally (
  run       BIGINT NOT NULL,
  kind      TEXT NOT NULL,
  new       BIGINT NOT NULL,
  revised   BIGINT NOT NULL,
  unchanged BIGINT NOT NULL,
  PRIMARY KEY (run, kind)
);
