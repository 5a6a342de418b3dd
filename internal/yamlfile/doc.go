// Package yamlfile reads the YAML files that people write (configuration,
// register, catalog, expectations) and reports everything that is wrong with
// one at once: each problem with file, line, column, the line itself and a
// caret under the place.
//
// It imports the standard library and a YAML parser. It knows nothing about
// what a file means: a reader decodes the file into its own types and then
// attaches the problems it finds to a Path, which this package turns into a
// place in the text.
//
//	f, err := yamlfile.Read("register.yaml")   // syntax; one problem at most
//	if err != nil { return err }
//	var v registerFile
//	f.Decode(&v)                               // unknown and duplicate keys, wrong types, missing fields
//	f.Problemf(yamlfile.At("systems", 2, "tier"), "unknown tier %q", t).Hint("one of high, limited, minimal")
//	return f.Err()                             // nil, or all problems in the order of the text
//
// It promises that no input makes it panic or recurse without limit, that
// nothing in the file is dropped silently, and that a value is never converted
// from another type: the text 1.0 without quotes is a number, and a number is
// not accepted where text is wanted. Anchors, aliases, merge keys and tags are
// refused: a reader must see what applies without following references.
package yamlfile
