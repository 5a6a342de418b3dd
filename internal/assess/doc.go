// Package assess holds the evidence against the expectations of each control
// and says, for an instant, what is satisfied, failing, missing, stale, due or
// unknown, and why.
//
// It is pure: it is told the time, reads no clock, and does no I/O beyond the
// file systems and iterators it is handed. It may import internal/catalog,
// internal/evidence and internal/yamlfile, never a store, a host or an export.
//
// # Use
//
//	eng, err := assess.Compile(cat, assess.Options{Files: files})
//	st := eng.NewState()
//	for r := range runs { st.ApplyRun(r) }
//	err = st.ApplyAll(changes)                // ledger order, payloads filled; on all cores
//	a, err := st.At(asOf, checkpoint)
//
// A State keeps what the expectations refer to in compact rows and remembers
// each subject's outcome together with the instant until which it holds, so
// that At costs what has changed since the last call. Asking for an earlier
// instant is allowed and evaluates everything anew.
// Conditions of plain form are evaluated directly over the rows, without the
// evaluator of the condition language; what the two say is the same.
//
// # Promises
//
// The same evidence, runs and instant give the same assessment, byte for byte.
// Whatever cannot be told is not_assessed. A rule that cannot be evaluated
// (absent field, cost limit) is never satisfied. What a complete collection
// did not look at is never called missing.
package assess
