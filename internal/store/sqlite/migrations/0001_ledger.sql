-- The ledger: lines in blocks, tree hashes in tiles, the newest signed note.
CREATE TABLE line_blocks (
  first INTEGER PRIMARY KEY, -- position of the first line
  n     INTEGER NOT NULL,    -- how many lines
  raw   INTEGER NOT NULL,    -- bytes when unpacked
  data  BLOB NOT NULL        -- 4 bytes CRC-32C of the rest; S2: the lines, each ended by a newline
);
CREATE TABLE tiles (
  level  INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (level, n)
);
CREATE TABLE checkpoint (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  size          INTEGER NOT NULL,
  at            INTEGER NOT NULL, -- microseconds: the last entry
  note          BLOB NOT NULL,
  indexed       INTEGER NOT NULL, -- key_index and subject_index hold the rows of evidence below
  indexed_block INTEGER NOT NULL  -- payload_index holds the blocks below
);

-- Payloads, by content.
CREATE TABLE payload_blocks (
  block INTEGER PRIMARY KEY,
  head  BLOB NOT NULL, -- for each: digest, size (32 bits), state
  raw   INTEGER NOT NULL,
  data  BLOB NOT NULL  -- 4 bytes CRC-32C of the rest; S2: the payloads one after the other
);

-- Derived from the ledger; exhibit ledger reindex makes them anew.
-- The three indexes by hash are filled many rows at once, in their order:
-- one row at a time, each would cost a page.
CREATE TABLE key_index (
  khash INTEGER NOT NULL, -- of source, kind and key
  seq   INTEGER NOT NULL,
  PRIMARY KEY (khash, seq)
) WITHOUT ROWID;
CREATE TABLE subject_index (
  shash INTEGER NOT NULL,
  seq   INTEGER NOT NULL,
  PRIMARY KEY (shash, seq)
) WITHOUT ROWID;
CREATE TABLE payload_index (
  prefix INTEGER NOT NULL, -- first 64 bits of the digest
  block  INTEGER NOT NULL,
  PRIMARY KEY (prefix, block)
) WITHOUT ROWID;
CREATE TABLE entry_types (
  seq  INTEGER PRIMARY KEY, -- every entry but evidence
  type TEXT NOT NULL
);
CREATE TABLE runs (
  opened INTEGER PRIMARY KEY,
  id     TEXT NOT NULL UNIQUE,
  source INTEGER NOT NULL,
  closed INTEGER
);
CREATE INDEX runs_source ON runs (source, opened);
CREATE TABLE evidence (
  seq     INTEGER PRIMARY KEY,
  kind    INTEGER NOT NULL,
  source  INTEGER NOT NULL,
  run     INTEGER NOT NULL, -- position of the opening entry
  pblock  INTEGER NOT NULL,
  hashes  BLOB NOT NULL,    -- of the key (64 bits), the subject (64), and the mark (128)
  grp     INTEGER,          -- not sealed: unit of "unchanged" in the source
  next    INTEGER,          -- position of the key's next revision
  gone    INTEGER,          -- position of the entry that says the key is gone
  gone_at INTEGER           -- microseconds
);
CREATE INDEX evidence_heads ON evidence (kind) WHERE next IS NULL;
CREATE INDEX evidence_group ON evidence (grp, kind) WHERE grp IS NOT NULL AND next IS NULL AND gone IS NULL;

-- Numbers for strings that repeat. Never reused.
CREATE TABLE names (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE evidence_groups (
  id     INTEGER PRIMARY KEY,
  source INTEGER NOT NULL,
  name   TEXT NOT NULL,
  UNIQUE (source, name)
);

-- What connectors get back on their next run, and the counts of open runs.
CREATE TABLE state (
  source    INTEGER NOT NULL,
  is_cursor INTEGER NOT NULL,
  name      TEXT NOT NULL,
  value     BLOB NOT NULL,
  PRIMARY KEY (source, is_cursor, name)
) WITHOUT ROWID;
CREATE TABLE tally (
  run       INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  new       INTEGER NOT NULL,
  revised   INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  PRIMARY KEY (run, kind)
) WITHOUT ROWID;
