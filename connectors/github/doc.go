// Package github reads what GitHub knows about an organisation's changes:
// repositories, pull requests with their files and reviews, pushes that no
// pull request accounts for, branch protection, workflow runs, and the history
// of chosen files. It works with github.com and GitHub Enterprise.
//
// It may import plugins/connector, plugins/transport, go-github (for requests
// and types) and a YAML library (for front matter). It states facts as the API
// gives them; an answer that GitHub hides behind 404 becomes a gap, never
// "not there".
//
// # Reading again
//
// Listings are asked for with the validators of the last run. What changed
// since the cursor of a repository is read in detail, the rest is not touched.
// A cursor is kept only after everything before it was emitted, so a run that
// was cut off goes on where it stopped.
package github
