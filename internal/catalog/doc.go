// Package catalog holds what does not depend on any organisation: the clauses
// and controls that evidence is held against, and the kinds of record that
// evidence comes in, with typed fields.
//
// It imports internal/evidence and internal/yamlfile, and does no I/O but read
// the file system it is given (the one embedded in package config, or a
// directory of the same form). It promises that a loaded Catalog is complete
// and consistent, that its ids never change their meaning, and that its digest
// depends on content only: comments and layout of the files do not count.
//
// # Kinds
//
// A payload is a JSON object with at least the kind's required fields, each
// field that is present having the field's type. Null means absent. Fields
// that a kind does not name are allowed and kept; conditions cannot use them.
package catalog
