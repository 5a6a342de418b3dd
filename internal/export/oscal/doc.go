// Package oscal writes a snapshot in the five models of NIST's OSCAL that an
// assessment fills: catalog, component definition, assessment plan, assessment
// results, and plan of action and milestones (POA&M), as JSON.
//
// It may import internal/export, internal/assess, internal/evidence,
// internal/finding and internal/ledger, and the types of go-oscal. README.md
// says what a reader finds where.
//
// # Promises
//
// The same snapshot gives the same bytes: UUIDs are made from names (version 5),
// and the only time is the as-of. What is the same in two snapshots (a
// control, an AI system, a source) has the same id in both; what is concluded
// at an instant (an observation, a finding) has an id of its own in each.
// Observations, inventory items and risks are streamed; what is held of them is
// what the references need.
//
// # Statuses
//
// OSCAL knows two outcomes of an objective, satisfied and not-satisfied, and
// no word for not knowing. So a finding is written only where something is
// established, and every result is an observation with its own status in
// the property exhibit-status:
//
//	status           finding's state                    risk and POA&M item
//	satisfied        satisfied (pass)                   no
//	failing          not-satisfied (fail)               open
//	missing          not-satisfied (fail)               open
//	stale            not-satisfied (other), but for     open
//	                 collection_gap: no finding
//	waived           no finding                         deviation-approved
//	not_assessed     no finding                         no
//	pending_review   no finding                         no
//	due              no finding                         no
//	not_applicable   no finding                         no
//
// A source that could not be read says nothing about the control: stale by
// collection_gap is an action for somebody, and no verdict. An expectation of
// severity observation never makes a finding not-satisfied, as it never worsens
// its control. The status of an objective over its subjects is the worst of
// theirs, in the order in which a control's is; a finding on a whole control
// follows the control's status.
//
// # Texts
//
// Titles and prose of OSCAL are Markdown. Texts from anywhere are written so
// that they render as themselves: markup is escaped, characters that cannot be
// seen or that reorder are replaced, and what is too long is cut and says so.
// Links go to http, https, or a file beside this one.
package oscal
