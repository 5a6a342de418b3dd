// Package aisign holds the signatures of AI: what tells that a package, a
// host, a name of a variable, an image, a resource or an application belongs
// to a vendor of models, a framework, a runtime or an assistant.
//
// It knows facts, not verdicts: a signature says whose something is. Whether it
// was used, by whom and for what is for the one who saw it to say. The data is
// in signatures/, one file per category, and compiled in as signatures.bin. It
// imports a YAML reader and the standard library. It promises that every list of the data is looked up
// by exactly the rule that its field states, that look-ups never read the
// network, and that a Set is safe for concurrent use.
package aisign
