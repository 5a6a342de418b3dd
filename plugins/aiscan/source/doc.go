// Package source reads the text of programs and of settings: what they import,
// which hosts they name, which variables they read, which models they ask for,
// and what they call.
//
// It tells code from comments, strings from prose, and a value from a mention,
// with one small lexer for all languages; it parses none of them. It returns
// facts and knows no signature: all that it is told are texts that calls can
// be known by. It imports plugins/aiscan/fact and the standard library.
//
// It promises that the same text gives the same facts in the same order; that
// what stands in a comment, in a documentation string or in a sentence is no
// fact; that any bytes at all are read without a fault, in time and memory that
// grow with their number; and that no string of the text is kept unless it is a
// host, a variable's name or a model's.
package source
