// Package register reads register.yaml: the file in which people declare the
// organisation's AI systems, vendors, role holders, waivers and which controls
// apply.
//
// It imports internal/evidence and internal/yamlfile. It promises that a
// Register it returns is consistent in itself (every reference leads
// somewhere, no id is used twice, nobody approved their own waiver), that all
// problems of a file are reported at once with their place, and that the
// records it makes depend on the file alone: two readings of the same file
// give the same payloads.
//
// The register is evidence like any other: Records turns it into records of
// the ordinary kinds, read by the built-in source named `register`. The times
// of these records come from the file (when an entry was reviewed, approved,
// begun), never from the file's own modification time, so that touching the
// file renews nothing.
package register
