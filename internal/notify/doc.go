// Package notify tells people what changed: on change only, grouped, by owner.
//
// Observe holds an observation (what is open, due, expiring, silent at an
// instant) against what was told before, and writes what is new, with all that
// has to be sent, in one transaction of the operational database. Deliver, or
// Run for as long as the agent lives, sends it: to mail (SMTP), Slack,
// Microsoft Teams, PagerDuty, signed webhooks, and the other services of the
// shoutrrr library.
//
// # Promises
//
// What was observed is told at least once, also where a process dies at any
// point. It is told twice only where an endpoint took a message and its answer
// was lost; each message carries a key by which such a repetition can be told
// (webhook-id, dedup_key, Message-ID). One node sends a message at a time.
// Every endpoint has a deadline, and one that hangs delays no other. What could
// not be sent for days is kept as a dead letter and shown. No message holds a
// payload or a secret, and no text of a source is markup in one.
//
// Nothing is called resolved because it is no longer observed.
//
// It may import internal/opsdb and the libraries of the channels, and nothing
// else of ours: what is observed is handed to it.
package notify
