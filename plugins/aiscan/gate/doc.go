// Package gate tells quickly whether a text holds any of many short texts, so
// that only files in which there is something to find are looked at closely.
//
// Of each text looked for, four bytes are taken: those that are rarest in
// source code. At every place of a text, the four bytes that stand there are
// looked up in a table of bits that is small enough for the processor's nearest
// memories; what passes is looked up in full, and then compared. Most places
// cost one multiplication and one load, whatever the number of texts.
//
// It imports the standard library only. It promises that no occurrence is
// missed, that what it reports is there in full, that time grows with the
// length of the text alone unless the text is made of what is looked for, and
// that a Gate is safe for concurrent use.
package gate
