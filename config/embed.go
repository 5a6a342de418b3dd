// Package config embeds the data that the product ships with: the catalog of
// controls, the kinds of record, expectations, example files and the JSON
// Schemas of the files that people write. It holds no logic and imports
// nothing of ours.
package config

import "embed"

// FS holds catalog/, kinds/, expectations/, example/ and schemas/.
//
//go:embed all:catalog all:kinds all:expectations all:example all:schemas
var FS embed.FS
