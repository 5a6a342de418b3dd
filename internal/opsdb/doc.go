// Package opsdb is the database of what the agent needs to run and what proves
// nothing: due times, jobs, rate budgets, tokens, sessions, what was told to
// whom, numbers of tickets, idempotency keys. It is a SQLite file beside the
// store, or the schema exhibit_ops of the store's PostgreSQL database.
//
// Each package that keeps something there brings its own migrations (Migrate)
// and asks in SQL that both systems speak, with ? for parameters (Rebind).
//
// It may import the drivers, goose and nothing of ours. It promises that
// migrations of a component run once, also where several nodes start together,
// that a schema of a newer program is refused, and that no error holds the
// password of a URL.
package opsdb
