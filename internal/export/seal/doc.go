// Package seal makes and reads the signed list that accounts for every entry
// of an archive: a note (C2SP signed-note, Ed25519, the ledger's key) whose
// text names each entry with the SHA-256 of its content and of its packed
// bytes. Package zipform determines all other bytes.
//
// # Text
//
//	exhibit seal v1
//	of: workbook
//	key: NAME+HASH+KEY
//	FACT: VALUE            (any number, in the order given)
//	parts: COUNT
//	SHA256 PACKED-SHA256 SIZE PACKED-SIZE NAME
//	…
//
// The first line keeps the note from ever being taken for a checkpoint, whose
// first line is the log's origin.
//
// The package imports note, internal/ledger and internal/export/zipform. It
// promises that a seal has one form only: no byte of a note that it accepts
// can change without the note being refused.
package seal
