// Package grants tells AI among the applications that an identity provider
// knows: those that people sign in to and those that were let into mail, files
// and calendars. It turns them into sightings, and events of their use into
// sums by application and day.
//
// It may import the standard library, plugins/aisign, plugins/connector,
// plugins/records and plugins/coverage.
//
// It promises:
//
//   - A name alone is never more than inferred, and a name that is only like a
//     product's is unresolved. An id, a verified publisher or an address of the
//     vendor makes it declared.
//   - A publisher that is verified and not the vendor outweighs a name.
//   - Nobody is named unless the settings say so. A pseudonym is the same for one
//     person in all sources that have the same salt, and says nothing without it.
package grants
