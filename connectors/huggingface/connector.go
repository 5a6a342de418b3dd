package huggingface

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Kinds of data sets.
const (
	kindDataset   = "inventory.dataset"
	kindDatasheet = "data.datasheet"
)

// Permissions, as the hub itself names them for its tokens.
const (
	readContent = "repo.content.read"
	readGated   = "canReadGatedRepos"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads one hub.
type Connector struct {
	clock transport.Clock // of waits; nil means the system's
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	all := []string{records.KindModel, records.KindModelVersion, records.KindModelCard, kindDataset, kindDatasheet}
	return connector.Descriptor{
		Name:         "huggingface",
		Version:      Version,
		Summary:      "Hugging Face Hub: models and data sets with revision, files, card, licence and gating",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: "token", Summary: "an access token; without one only what is public is seen, and less of it may be asked"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindModel, Major: 1, Summary: "a model repository: owner, licence, gating, whether it is public"},
			{Kind: records.KindModelVersion, Major: 1, Summary: "a revision that a branch or tag points to, or that the settings name: files, formats, base model", Reread: connector.ReadSinceCursor},
			{Kind: records.KindModelCard, Major: 1, Summary: "the sections of a revision's README", Reread: connector.ReadSinceCursor},
			{Kind: kindDataset, Major: 1, Summary: "a data set repository"},
			{Kind: kindDatasheet, Major: 1, Summary: "what a data set's README says of purpose, content, origin, limits and privacy", Reread: connector.ReadSinceCursor},
		},
		Permissions: []connector.Permission{
			{ID: readContent, Kinds: all, Why: "private repositories; the hub leaves them out of lists without it",
				Grant: `make a fine-grained token with "Read access to contents of all repos" under the organisation (huggingface.co/settings/tokens)`},
			{ID: readGated, Kinds: []string{records.KindModelVersion, records.KindModelCard, kindDatasheet}, Why: "files of gated repositories of others, where the conditions were accepted",
				Grant: `give the token "Read access to contents of all public gated repos you can access", and accept the conditions on the repository's page`},
		},
	}
}
