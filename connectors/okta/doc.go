// Package okta reads from an Okta organisation which AI people sign in to: the
// applications with their assignments and rights, and the days on which they
// were used.
//
// It may import the standard library and plugins. It promises that an
// application which belongs to no known AI is counted and not listed, that the
// API is only ever asked with GET, and that people are counted unless the
// settings say otherwise.
package okta
