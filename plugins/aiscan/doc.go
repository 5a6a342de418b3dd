// Package aiscan finds AI in files: in a folder, in a git repository's objects
// without a checkout, in an archive that arrives as a stream.
//
// It reads each file once. Files whose format says what they depend on
// (manifests, lockfiles, container and infrastructure code, notebooks, settings
// of agents) are read by plugins/aiscan/manifest and plugins/aiscan/infra, the
// text of the others by plugins/aiscan/source; all of them return facts, which
// are held against plugins/aisign. It imports these, the standard library and,
// for git, the parts of go-git that read objects. It writes nothing but an
// optional cache that the caller gives it, runs no program and opens no
// connection.
//
// It promises that the same files give the same report, byte for byte; that no
// credential is in a report, an error or the cache; that memory and time per
// file are bounded; and that whatever was not read is named with its reason.
package aiscan
