// Package gapreport groups open shortfalls under the four causes that a gap
// assessment speaks of: a control that is missing, an owner who is not clear,
// documentation that is weak, an approval that is inconsistent.
//
// It may import internal/assess, internal/catalog, internal/crosswalk and
// internal/evidence. It is pure: it is handed the shortfalls and the instant.
//
// # The rule
//
// Every shortfall has exactly one cause. It is the cause that its expectation
// states, with two exceptions, taken from what the result says:
//
//   - a result whose reason is that an approval is not there, came too late,
//     came from somebody who may not give it, or is of another text, is an
//     inconsistent approval;
//   - else, a result whose reason is that nobody is named, or that whoever is
//     named does not hold the role any more, is an unclear owner.
//
// Only results that are failing or missing are looked at like that: of the
// others nothing is established but what was expected. What a reason quotes is
// left out, as it may come from a source. Item.CauseFrom says which of the two
// decided, so that nobody has to guess.
//
// # Promises
//
// The same shortfalls give the same report, in the same order. The counts of
// the causes add up to the number of shortfalls.
package gapreport
