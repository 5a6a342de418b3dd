// Package access says who may do what: roles and what they allow, the principal
// that acts, how one is proved (a login at an OpenID provider, an API token,
// the account of this machine), sessions, and what protects a form.
//
// It may import internal/evidence, internal/people, internal/register,
// internal/store for the form of a ledger entry, and internal/opsdb, where
// tokens and sessions are kept. It knows no page and no operation: those ask it.
//
// It promises: who is not proved may do nothing; a role allows what its table
// says and no role allows to be one's own second person, since that is decided
// by internal/people on person and account, and an account here is always the
// one that was proved (a token's is that of whoever made it); a secret is shown
// once, kept as a digest and compared in constant time; and nobody is sent a raw
// payload before the ledger says so.
package access
