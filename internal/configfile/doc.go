// Package configfile reads exhibit.yaml: where the store is, which sources are
// read, when, with which settings and which secrets.
//
// It imports internal/yamlfile and a cron parser. It promises that all
// problems of a file are reported at once with their place, that every path it
// returns is absolute (paths in the file are relative to the file), and that a
// secret never stands in a value, a message or an excerpt: the file names
// where a secret is kept, and Secret.Resolve reads it there when it is needed.
package configfile
