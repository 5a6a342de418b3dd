// Package portable is the form in which a store is backed up and moved: one
// stream, the same for every kind of store, so that what was read from one can
// be restored into another. It holds what cannot be made anew: the lines of the
// ledger, payloads, the signed checkpoint, and what the ledger does not hold
// (cursors and validators, groups, counts of runs that are open). Indexes are
// made anew where it is restored.
//
// It may import internal/evidence, internal/ledger, internal/store and the
// compression library. It promises that a stream which is cut off, changed or
// mixed is refused with ErrDamaged, and that Check believes nothing it reads:
// it hashes every line and payload and holds them against the signed checkpoint.
//
// # The form
//
// The line "EXHIBIT BACKUP 1" and a newline; a Zstandard frame; the SHA-256 of
// all that (32 bytes). Unpacked, the frame is pieces: one byte that says what it
// is, the length as an unsigned varint, and so many bytes. In this order:
//
//	H  JSON: the ledger's origin, size, and when the copy was made. Once.
//	L  lines of the ledger, each ended by a newline. In order, without a hole.
//	P  a payload: digest (32 bytes), 0 or 1 if it was erased, size as an
//	   unsigned varint, and its bytes unless erased.
//	G  a group: its number as an unsigned varint, then JSON: source and name.
//	M  members: pairs of unsigned varints, position of evidence and number of
//	   its group.
//	S  JSON: a cursor or validator of a source.
//	T  JSON: counts of an open run.
//	E  JSON: the signed checkpoint, and how many lines, payloads and others
//	   there were. Once, last.
package portable
