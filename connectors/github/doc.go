// Package github reads what GitHub knows about an organisation's changes:
// repositories, pull requests with their files and reviews, pushes that no
// pull request accounts for, branch protection, workflow runs, and the history
// of chosen files. Around these it reads releases, deployments, environments,
// CODEOWNERS, packages and names of secrets, and of an organisation its audit
// log, apps, tokens and use of Copilot (the further kinds, see kinds.go). It
// works with github.com and GitHub Enterprise, with a token or as a GitHub App.
//
// It may import plugins/connector, plugins/transport, go-github (for requests
// and types) and a YAML library (for front matter). It states facts as the API
// gives them; an answer that GitHub hides behind 404 becomes a gap, never
// "not there".
//
// # Reading again
//
// Listings are asked for with the validators of the last run; GitHub counts no
// answer of 304 against its limit. What changed since the cursor of a
// repository is read in detail, the rest is not touched. A cursor is kept only
// after everything before it was emitted, so a run that was cut off goes on
// where it stopped.
//
// # Fingerprints
//
// A larger account is first asked, by GraphQL and a hundred repositories at a
// time, for what tells that some of a repository did not change. It spares
// requests and is never evidence: what it does not tell, or tells otherwise
// than before, is read by REST, and where GraphQL is not offered, all is.
//
//   - The commit that a branch is at stands for its whole history, because
//     commits name their parents by content. If REST was at the same commit,
//     there is no new push on that branch and, on the default branch, no new
//     revision of a file. It says nothing about which pull request brought a
//     commit: commits of which that is unknown are asked about in every run.
//   - The newest update among the pull requests of a repository stands for all
//     of them and for their reviews: a submitted or dismissed review, a label,
//     a new title, head or base, a merge and a comment each move it. It is
//     compared with what REST listed, never with an earlier fingerprint, so a
//     server that lags behind cannot hide an update. It is cut to seconds, so
//     it counts only if it was two minutes old when it was listed. A repository
//     without pull requests has none, and is asked by REST.
//   - Neither moves when branch protection or a ruleset is changed, or when a
//     workflow is run or run again. Those are asked for in every run, with
//     validators.
package github
