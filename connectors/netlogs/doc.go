// Package netlogs reads logs of name servers, proxies and firewalls from files,
// and states per day which vendors of AI were asked for, by which part of the
// organisation, how often.
//
// It may import the standard library, klauspost/compress, golang.org/x/text and
// packages under plugins.
//
// It promises that memory is bounded whatever the files hold; that a line is
// counted once, however the files are rotated, renamed or packed, and however
// often it is run; that what cannot be read is counted and named in a gap; and that
// nothing of a person leaves it but numbers, unless the settings say otherwise.
package netlogs
