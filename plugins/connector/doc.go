// Package connector is the contract between Exhibit and the code that reads
// one kind of system. A connector states facts: it never judges, never stores
// and never schedules. The host asks it three things: what it is (Describe),
// whether its credentials and permissions suffice (Check), and what it sees
// now (Collect).
//
// The package imports the standard library only, so that a connector written
// in another module depends on nothing else. It promises compatibility:
// fields are added, never renamed or given a new meaning.
//
// # Terms
//
// A Record is one fact about a Subject: its Kind names the shape of Payload,
// its Key is the record's natural key within the source. A Group is the unit
// in which a source answers "nothing changed", usually one page of a listing.
// A Gap is a part of the scope that could not be seen, with a reason. Coverage
// says, kind by kind, how much of the scope a run saw. Absence may be claimed
// only where coverage is complete and enumerated.
package connector
