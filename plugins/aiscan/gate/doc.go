// Package gate tells quickly whether a text holds any of many short texts, so
// that only files in which there is something to find are looked at closely.
//
// It samples: a text of seven bytes or more, wherever it stands, covers four
// bytes that begin at a multiple of four, and one of four bytes or more covers
// three that begin at a multiple of two. Only these places are looked at, in a
// table of bits that fits into the processor's nearest memory; what passes is
// compared in full. The part of each text whose bytes are rarest in source code
// is the part that is looked for.
//
// It imports the standard library only. It promises that no occurrence is
// missed, that what it reports is there in full, that time grows with the
// length of the text alone unless the text is made of what is looked for, and
// that a Gate is safe for concurrent use.
package gate
