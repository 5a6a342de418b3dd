// Package http reads any system with a JSON API by a declaration: which
// requests to make, how its pages go on, and how an item becomes a record, in
// expressions of CEL. Nothing in a declaration is code that could do anything
// but look at an answer: there are no commands, no files and no other hosts.
//
// It may import the standard library, CEL and packages under plugins.
//
// It promises that every expression is checked before the first request, with
// the place in the declaration; that an item which cannot be mapped is a gap that
// names it; and that a kind is called enumerated only where the declaration says
// that a request lists everything and every page was read.
package http
