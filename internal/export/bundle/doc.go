// Package bundle writes the bundle: the workbook, the evidence files, the rules
// in force, a manifest for each run, and what proves them, as one zip that can be
// verified offline with nothing but the public key. FORMAT.md, which every bundle
// contains, defines it well enough to write another verifier from.
//
// It may import internal/export, its sub-packages and what they may import.
// It promises that the same snapshot, input and key give the same bytes, that
// evidence is streamed (memory holds about 48 bytes per distinct payload, one bit per
// ledger entry and a name per run; what is larger lies in temporary files), and that
// every file is listed in the signed manifest, which also says how far its own
// signature can be trusted.
package bundle
