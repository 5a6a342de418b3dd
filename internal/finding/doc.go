// Package finding keeps the life of findings: one for each shortfall, opened,
// acknowledged, resolved and reopened, each time with the cause, the person
// and the ledger checkpoint that it was concluded from.
//
// A Book holds lives as they follow from events, Update says which events an
// assessment adds, and Acknowledge, Assign and Grade say which a person adds.
// The events are kept as ledger entries; nothing else is: whoever folds them
// again has the same lives.
//
// It may import internal/assess and internal/evidence. It is pure: told the
// time, and without I/O.
//
// # Promises
//
// An assessment in which nothing changed adds no event, and an event that is
// applied twice counts once. A finding is resolved only by a result that is in
// order and rests on a reading of everything it needs, with no part unseen,
// that ended after the finding last fell short; a partial or failed run never
// does it. What came before stays in the history.
package finding
