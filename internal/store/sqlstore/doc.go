// Package sqlstore is the part of a store that does not depend on which SQL
// database keeps it: what a batch changes, how lines and payloads are packed,
// how evidence is read back, what verification sees. Packages sqlite and
// postgres bring the connection, the transaction and the schema.
//
// It may import internal/evidence, internal/ledger, internal/store and the
// S2 compression library. It promises that everything in one batch is written in one
// transaction of the database below.
//
// # What is stored
//
// Lines and payloads are packed into S2 blocks of about 64 KiB, because
// neighbours resemble each other: a block of lines is its lines, each ended by
// a newline; a block of payloads is their bytes one after the other, with a
// head that names each by digest and size. Blocks are written once. Only the
// erasure of a payload rewrites one.
//
// The table evidence has one narrow row for each evidence entry: what selects
// and orders (hashes of key and subject, kind, source, run), which revision
// follows, and when the key was gone. Everything else that a reader gets comes
// out of the line. A row can be rebuilt from the ledger, but for its group,
// which is not sealed; Reindex keeps that.
//
// A head (the newest revision of a key) carries a mark, 128 bits over all that
// makes a record the same as before, so that reading an unchanged source again
// touches one index and writes nothing.
package sqlstore
