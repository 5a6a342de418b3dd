// Package zipform writes and reads zip archives in one form that leaves no
// freedom: given the names and the packed data of the entries, every other
// byte of the file is determined. It exists so that two exports of the same
// snapshot are the same bytes, and so that a verifier can account for every
// byte of a file it was handed.
//
// # The form
//
// Entries follow one another from the first byte. Each is a local header and
// its packed data, without data descriptor, comment or extra field (but the
// ZIP64 one where a size needs it). All times are 1980-01-01 00:00:00, all
// attributes zero, so no entry is a link or executable. The central directory
// follows the last entry in the same order, its end record ends the file.
// Names are ASCII, relative, with "/" between parts; no part is "." or "..".
//
// The package imports the standard library only. It promises that Reader
// accepts nothing that Writer could not have written, that reading needs
// memory for one entry and not for the archive, and that an entry which claims
// to unpack to absurdly more than it holds is refused before it is unpacked.
package zipform
