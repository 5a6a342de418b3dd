package documents

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.2.0"

// permRead is the one right the connector needs.
const permRead = "repository:read"

//go:embed config.schema.json
var configSchema []byte

// Connector reads documents and record files from a git repository or a folder.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is. The kinds beyond document.revision are
// those that people may keep as record files; a source reads the ones that its
// configuration names.
func (*Connector) Describe() connector.Descriptor {
	d := connector.Descriptor{
		Name:         "documents",
		Version:      Version,
		Summary:      "policies and record files in a git repository, with their history, or in a folder",
		ConfigSchema: configSchema,
		Kinds: []connector.KindSpec{{
			Kind: records.KindDocumentRevision, Major: 1,
			Summary: "one content that a document had, and when it came to where it lies",
			Reread:  connector.ReadIfChanged,
		}},
		Permissions: []connector.Permission{{
			ID:    permRead,
			Kinds: []string{records.KindDocumentRevision},
			Why:   "the files of the clone or of the folder are read",
			Grant: grantRead,
		}},
	}
	for _, s := range records.Shapes() {
		d.Kinds = append(d.Kinds, connector.KindSpec{
			Kind: s.Kind, Major: 1, Summary: "from a record file that says kind: " + s.Kind, Reread: connector.ReadIfChanged,
		})
		d.Permissions[0].Kinds = append(d.Permissions[0].Kinds, s.Kind)
	}
	for _, k := range []struct{ kind, summary string }{
		{records.KindCodeUsage, "a place in code that shows AI (with scan_code)"},
		{records.KindModelReference, "a model that code names, and whether it stays the same (with scan_code)"},
		{records.KindPromptAsset, "a prompt, a tool's schema or settings of a model kept as a file (with scan_code)"},
		{records.KindCodeSecret, "a credential of an AI vendor that lies open, by prefix, length and hash (with scan_code)"},
		{records.KindCodeScan, "a scan of the code: what was read and what was not (with scan_code)"},
	} {
		if _, kept := records.ShapeOf(k.kind); !kept {
			d.Kinds = append(d.Kinds, connector.KindSpec{Kind: k.kind, Major: 1, Summary: k.summary, Reread: connector.ReadIfChanged})
			d.Permissions[0].Kinds = append(d.Permissions[0].Kinds, k.kind)
		}
	}
	return d
}
