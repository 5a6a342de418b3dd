// Package manifest reads what software says it depends on: manifests,
// lockfiles and install commands of the common ecosystems. It returns facts of
// class Package and judges nothing: whether a package is AI is asked elsewhere.
//
// It imports plugins/aiscan/fact, readers of JSON, YAML and go.mod, and the
// standard library. It does no I/O.
//
// It promises that a name is given as its ecosystem normalises it; that the line
// is the one on which the package is named, wherever the format has lines; that
// the standing tells use from what only looks like it (a central version, a
// comment, an exclusion); that the same bytes give the same facts in the same
// order; that size, depth and number are bounded, so that a hostile file is an
// error and never a crash; that what a broken file says before its fault is
// returned beside the error; and that no address is copied into a version, so
// that a credential in an address stays where it is.
//
// The lockfiles are read here and not by a library of extractors. The best-kept
// one that is public, osv-scalibr, was read and measured: it gives packages without
// lines, knows neither comments nor conditions nor, in most formats, what is direct,
// gives nothing of a file that is broken, wants a file system to read from, and a
// program with its readers of 18 formats has 26 megabytes. As an oracle it is good: of
// the 689 packages that it finds in 253 of its own samples, 638 are found here word
// for word; the others are what is left out on purpose (the project's own parts,
// packages of the tree, the standard library of Go) or told more closely (the revision
// of a repository, a range as it is written). TOML is read by a small
// reader of our own for the same reason: the usual one gives no positions of values
// and returns nothing of a broken file. The tests hold it against that one.
package manifest
