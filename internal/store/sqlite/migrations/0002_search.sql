-- What lets a search pass stretches of the ledger by, and how much evidence
-- there is. Both follow from the ledger; see package sqlstore.
CREATE TABLE zones (
  first INTEGER PRIMARY KEY, -- position of the first line
  n     INTEGER NOT NULL,    -- how many lines
  low   INTEGER NOT NULL,    -- microseconds: earliest collected-at of its evidence
  high  INTEGER NOT NULL,    -- latest
  pairs BLOB NOT NULL,       -- numbers of source and kind, as varints
  sums  BLOB NOT NULL        -- the first 4 bytes of each line's digest
);
CREATE TABLE evidence_counts (
  source   INTEGER NOT NULL,
  kind     INTEGER NOT NULL,
  evidence INTEGER NOT NULL, -- revisions
  live     INTEGER NOT NULL, -- keys that exist
  PRIMARY KEY (source, kind)
) WITHOUT ROWID;
