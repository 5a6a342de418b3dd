// Package verify checks what was handed out, and the store it came from,
// offline and without believing anything in it: it recomputes every digest,
// root and signature, accounts for every byte, and names the first thing that
// does not hold. From a bundle of the whole ledger it assesses anew by the rules
// in the bundle, and writes the workbook anew, to be compared byte for byte.
//
// It may import internal/export and its sub-packages, internal/attest,
// internal/assess, internal/evaluate, internal/ledger, internal/evidence and
// internal/store. It promises: what is wrong is in Report.First, with file, place,
// expected and found; an error means that the check itself could not be made; nothing
// is fetched, and nothing is written but temporary files of a workbook that is
// written anew; rules in a bundle are never trusted; memory grows with the evidence by
// its digests only, but for what assessing needs. Explain says of each check how it is
// made, what it shows and what it does not; ATTACKS.md what it finds.
package verify
