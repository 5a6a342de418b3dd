// Package config embeds the data that the product ships with: the catalog of
// controls, the kinds of record, expectations, example files, the templates of
// what people write, the roadmap and what audits begin with, and the JSON
// Schemas of the files that people write. It holds no logic and imports nothing
// of ours.
package config

import "embed"

// FS holds catalog/, kinds/, expectations/, fixtures/, crosswalk/, example/,
// templates/ and schemas/, plan.yaml and readiness.yaml.
//
//go:embed all:catalog all:kinds all:expectations all:fixtures all:crosswalk all:example all:templates all:schemas plan.yaml readiness.yaml
var FS embed.FS

// Catalog is what catalog/ and kinds/ say, as catalog.Parse reads it, and
// Expectations what expectations/ say, as internal/assess does: a start of
// the program need not wait until YAML is read. Tests of those packages hold
// them against the files, and write them anew with -update.
var (
	//go:embed catalog.json
	Catalog string
	//go:embed expectations.json
	Expectations string
)

// Conditions are those of expectations/, parsed and type-checked, in a form
// that internal/assess reads: every assessment waits for them. A test of that
// package holds them against the files, and writes them anew with -update.
//
//go:embed conditions.bin
var Conditions string
