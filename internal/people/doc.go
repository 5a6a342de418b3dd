// Package people makes the records that people own: waivers, the statement of
// applicability, evidence handed in and its review. It decides who may do what
// and says why not; a second person is never the first one.
//
// It may import internal/evidence and the standard library only. It is pure: it
// is told the time, the person, and what is on record, and returns records for
// the caller to append. It promises that no record it returns was requested and
// approved by one person, however the name is spelt, nor accepted by anybody who had
// a part in any revision of it, nor from one account unless the policy allows shared
// accounts; that nobody decides where it cannot be told whose part something was;
// that an approval covers what was proposed, by its digest; and that nothing on record is ever overwritten, only followed.
package people
