package aiscan

import (
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// Scope says what a place is for: AI in a product is another matter than AI
// that helps to write it.
type Scope string

// Scopes.
const (
	Product        Scope = "product"         // runs for users
	Infrastructure Scope = "infrastructure"  // containers, clusters, clouds
	CI             Scope = "ci"              // pipelines
	Development    Scope = "development"     // assistants that write code, and their settings
	AgentInterface Scope = "agent_interface" // tools that the repository offers to agents
	Supporting     Scope = "supporting"      // tests, documentation, examples, copies of others' code
)

// Confidence says how sure a sighting is, by what was seen alone.
type Confidence string

// Values of Confidence, strongest first.
const (
	Declared   Confidence = "declared"   // a manifest, infrastructure code or a setting says so
	Inferred   Confidence = "inferred"   // code does what only its use does
	Unresolved Confidence = "unresolved" // it could be something else
)

// Signal is one place that shows AI.
type Signal struct {
	Path      string        `json:"path"`
	Line      int           `json:"line"`
	Signature string        `json:"signature"` // rule: openai/packages
	Excerpt   string        `json:"excerpt"`   // what was seen, at most 200 bytes, without credentials
	Class     fact.Class    `json:"class"`
	Standing  fact.Standing `json:"standing,omitempty"`
	Version   string        `json:"version,omitempty"`
	// Introduced is the commit's time at which the file took this content, RFC
	// 3339, when the tree knows it.
	Introduced string `json:"introduced,omitempty"`
}

// Sighting is the use of one product in one scope of one tree.
type Sighting struct {
	ID         string          `json:"id"` // stable: of root's name, provider and scope
	Provider   string          `json:"provider"`
	Vendor     string          `json:"vendor"`
	Category   aisign.Category `json:"category"`
	Egress     aisign.Egress   `json:"egress"`
	Scope      Scope           `json:"scope"`
	Confidence Confidence      `json:"confidence"`
	Why        string          `json:"why"` // one sentence: which signals made the confidence
	Signals    []Signal        `json:"signals"`
	Count      int             `json:"count"` // signals seen; Signals holds the first ones of each rule
}

// Model is a reference to a model, and whether it stays the same.
type Model struct {
	Path     string `json:"path"`
	Line     int    `json:"line"`
	Ref      string `json:"ref"`
	Provider string `json:"provider"`
	Pin      string `json:"pin"` // immutable, alias, unversioned, revision_sha
}

// Secret is a credential that lies open. Hint is all that is kept of it.
type Secret struct {
	Path     string `json:"path"`
	Line     int    `json:"line"`
	Provider string `json:"provider"`
	Hint     string `json:"hint"` // prefix, length and salted hash
}

// Asset is a prompt, a tool's schema, an evaluation or a model's settings that
// the tree holds as a file.
type Asset struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Kind   string `json:"kind"` // as code.prompt_asset has it
}

// Unread is what was not scanned, and why.
type Unread struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Report is what a scan found. All lists are sorted; none is nil.
type Report struct {
	Root      string     `json:"root"`
	Commit    string     `json:"commit,omitempty"`
	Files     int        `json:"files"`  // read, or known unchanged
	Bytes     int64      `json:"bytes"`  // in them
	Reused    int        `json:"reused"` // of Files: known unchanged
	Sightings []Sighting `json:"sightings"`
	Models    []Model    `json:"models"`
	Secrets   []Secret   `json:"secrets"`
	Assets    []Asset    `json:"assets"`
	Unread    []Unread   `json:"unread"`
	// Rules is the digest of the signatures and the version of the scanner.
	Rules string `json:"rules"`
}
