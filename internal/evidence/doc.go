// Package evidence holds the words of the product as Go types: what was read
// (Record), the run that read it (Run), the sealed form in which it is kept
// (Evidence), and the one-line ledger entries that all of them become.
//
// It imports the standard library and a canonical-JSON library only, does no
// I/O, and promises that the bytes of an entry depend on nothing but its
// values: sealing the same record in the same run gives the same line.
//
// # Sealing
//
// A payload is brought into canonical form (RFC 8785) and addressed by the
// SHA-256 of those bytes. An evidence entry names its payload by that digest
// and its run by id; the run's opening entry, which precedes it in the ledger,
// carries the provenance that all records of the run share: agent, source,
// connector, version, binary digest and collector identity. The digest of an
// evidence item is the SHA-256 of its entry line, so that `sha256sum` of a line
// confirms it.
//
// # State
//
// What a connector gets back on its next run, cursors and validators, decides
// what it reads: a cursor moved forward would hide events. A run_closed entry
// therefore carries, in state, a digest of its source's cursors and validators
// as the run left them: the hexadecimal SHA-256 over lines of canonical JSON,
// each ended by a newline,
//
//	{"key":"<key>","sha256":"<SHA-256 of the value>","type":"cursor"}
//
// first all cursors, then all of type "validator", by key in the order of
// bytes. The field is missing if there is no such line.
package evidence
