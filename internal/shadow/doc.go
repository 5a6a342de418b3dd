// Package shadow reconciles AI that was seen with the register: sightings,
// register, what people decided and an instant go in; cases come out, one for
// each real use, with the system that accounts for it or none, and a statement
// of what was looked at.
//
// It is pure: it reads no clock, no file and no store. It may import
// internal/evidence, internal/people, plugins/aisign and the standard library,
// and a matcher of paths. It promises that the order of what it is told does
// not matter; that more evidence of use never takes a case away; that an entry
// of the register accounts for what it names and for nothing else; that only a
// complete reading of a source makes a case gone; and that the same input gives
// the same cases, byte for byte.
package shadow
