// Package attest is about what others say of a checkpoint, so that nobody has
// to take the organisation's word for when the ledger held what it holds: a
// time stamp by a time-stamping authority (RFC 3161), the cosignature of a
// witness (C2SP tlog-witness, tlog-cosignature), and the publication of the
// checkpoint where others can see it (a git repository, a webhook).
//
// Each is asked for here, verified here before it is recorded, and recorded as
// a ledger entry of type attestation. Whoever holds the entry, or a bundle with
// what it says, verifies it again with the same functions and without a network:
// VerifyTimestamp, VerifyCosignature.
//
// The package may import internal/evidence and internal/ledger, the standard
// library and golang.org/x/mod; it runs git. It promises that
//   - a checkpoint is given to nobody before it was held against what was given
//     away earlier: a ledger that got shorter or was rewritten is refused with
//     ledger.ErrRollback or ledger.ErrFork, both sizes named;
//   - an answer is bounded in size and time, and believed in nothing: what does
//     not verify is never recorded;
//   - what was not checked is said: a time stamp whose chain was held against no
//     root says so in Info.
//
// README.md in this folder tells an auditor how to check each by hand.
package attest
