// Package plan computes the roadmap to an audit: what of it is done, open or
// late, what evidence shows it, and what is missing.
//
// It is pure: it is told the time, and does no I/O beyond the file system it is
// handed. It may import internal/assess, internal/evidence, internal/readiness
// and internal/yamlfile.
//
// It promises that nobody can tick an item: it is done when its conditions hold
// in the evidence as of the instant, and only then; that a condition nothing is
// known about does not hold; and that due dates follow from the start alone.
package plan
