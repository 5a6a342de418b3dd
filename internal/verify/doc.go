// Package verify checks what was handed out, and the store it came from,
// offline and without believing anything in it: it recomputes every digest,
// root and signature, accounts for every byte, and names the first thing that
// does not hold.
//
// It may import internal/export and its sub-packages, internal/ledger,
// internal/evidence, internal/assess (for the form of an assessment) and
// internal/store. It promises: what is wrong is in Report.First, with file,
// place, expected and found; an error means that the check itself could not be
// made; nothing is written, unpacked to disk or fetched; memory does not grow
// with the evidence beyond its digests.
package verify
