// Package ticket keeps one ticket for each finding in an issue tracker: opened
// once, kept up to date, closed when evidence resolves the finding, opened again
// when it reopens, and left alone where a person closed it by hand.
//
// # Why there is never a second one
//
// Before a ticket is opened, the intention is written down. After it was opened,
// its key is. Where the answer was lost, or the process died in between, there
// is an intention without a key: the finding is left alone until the tracker
// has settled (Options.Settle), then the tracker is asked for all tickets that
// carry the label "exhibit" and changed since the intention. One that bears the
// finding's id is taken over; if there is none, nothing was opened, and it is
// tried again. Trackers are asked for labelled tickets rather than searched for
// text, because lists are read from the tracker's database, and the index of a
// search lags behind it. What is relied on: a ticket that was opened is in that
// list within Settle, and no request that is older than Settle is carried out
// after all. One node at a time works on a tracker, under a lease of which no
// request outlives the end.
//
// After the operational database was lost, or restored from an older copy, the
// first look takes all labelled tickets, and takes over those of findings that
// have no row.
//
// Comments are written down in the same way, with a mark of their own.
//
// It may import internal/opsdb and the trackers' libraries, and nothing else of
// ours: findings are handed to it.
package ticket
