// Package bundle writes the bundle: the workbook, the evidence files it leads
// to, and what proves them, as one zip that can be verified offline with
// nothing but the public key. FORMAT.md, which every bundle contains, defines
// it well enough to write another verifier from.
//
// It may import internal/export, its sub-packages and what they may import.
// It promises that the same snapshot and key give the same bytes, that
// evidence is streamed (memory holds 32 bytes per distinct payload and one bit
// per ledger entry), and that every file is listed in the signed manifest.
package bundle
