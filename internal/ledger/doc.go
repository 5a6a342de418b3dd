// Package ledger is the mathematics of the tamper-evident log: leaf hashes,
// tiles of tree hashes, signed checkpoints, and proofs that others can check
// without this program.
//
// The tree is that of RFC 6962; a leaf is one entry line without its newline.
// Tree hashes are kept as tiles of height 8 (golang.org/x/mod/sumdb/tlog):
// a full tile holds 256 hashes and never changes, the rightmost tile of each
// level is partial and is overwritten as the log grows. A checkpoint is a C2SP
// tlog-checkpoint (origin, size, root) in a signed note (C2SP signed-note,
// Ed25519). The origin and the name of the key are one and the same.
//
// The package imports tlog, note and the standard library, and keeps nothing
// itself: tiles and notes live in a store. It promises that what it verifies,
// it recomputes: no function here believes a size, a hash or a signature that
// it was given.
package ledger
