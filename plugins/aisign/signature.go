package aisign

// Category says what kind of thing a signature is about.
type Category string

// Categories.
const (
	Provider      Category = "provider"       // serves models over the network
	Gateway       Category = "gateway"        // stands in front of several providers
	CloudService  Category = "cloud_service"  // AI service of a cloud
	Framework     Category = "framework"      // library that builds on models
	Runtime       Category = "runtime"        // program that runs models
	MLLibrary     Category = "ml_library"     // library of machine learning, files of models
	VectorStore   Category = "vector_store"   // supporting evidence
	Observability Category = "observability"  // supporting evidence
	Evaluation    Category = "evaluation"     // supporting evidence
	CodingAgent   Category = "coding_agent"   // assistant that writes code
	AssistantSaaS Category = "assistant_saas" // assistant that people use
	MCP           Category = "mcp"            // protocol between agents and tools
)

// Egress says whether data leaves the organisation by using it.
type Egress string

// Values of Egress.
const (
	External Egress = "external"
	Local    Egress = "local"
	Depends  Egress = "depends"
)

// Signature is everything that tells one vendor's product from the rest.
type Signature struct {
	ID       string   `yaml:"id"` // stable: the register is reconciled by it
	Category Category `yaml:"category"`
	Vendor   string   `yaml:"vendor"` // name, to be joined with the register's vendors
	Egress   Egress   `yaml:"egress"`

	Lists `yaml:",inline"`
	// Doubtful holds entries that show nothing alone: they need another signal
	// of the same signature beside them.
	Doubtful Lists `yaml:"doubtful"`

	Compatible bool   `yaml:"compatible"` // other vendors speak its protocol: the address decides whose it is
	Weak       bool   `yaml:"weak"`       // supporting only, whatever is seen
	Note       string `yaml:"note"`
}

// Lists is what a product is known by. In all lists of names, a trailing *
// stands for any ending; README.md states the rule of each list.
type Lists struct {
	Packages map[string][]string `yaml:"packages"` // by ecosystem: pypi npm go maven nuget gem cargo composer conda …
	Imports  map[string][]string `yaml:"imports"`  // by language: py js go java cs rb rs php …; prefixes of namespaces
	Calls    []string            `yaml:"calls"`    // text in source code that only its use has
	Settings []string            `yaml:"settings"` // prefixes of keys in configuration files

	Hosts     []string    `yaml:"hosts"`    // of its API: software uses them; *.suffix and inner * allowed
	Web       []string    `yaml:"web"`      // of its pages: people use them
	Ports     []int       `yaml:"ports"`    //
	Env       []string    `yaml:"env"`      // variables that name it by themselves
	EnvWeak   []string    `yaml:"env_weak"` // variables that need another signal beside them
	Secrets   []string    `yaml:"secrets"`  // words in names of credentials, beside those of env: OPENAI
	Keys      []KeyFormat `yaml:"keys"`
	Models    []string    `yaml:"models"` // regular expressions of model ids
	Routes    []string    `yaml:"routes"` // what routers such as LiteLLM write before a model id: groq/…
	Files     []string    `yaml:"files"`  // names, globs, or folders ending in /
	UserAgent []string    `yaml:"user_agents"`

	Terraform      []string `yaml:"terraform"`      // types of resources; {attr=a|b}, {attr!=a}, {attr^=prefix} restrict
	CloudFormation []string `yaml:"cloudformation"` // likewise
	ARM            []string `yaml:"arm"`            // likewise
	Kubernetes     []string `yaml:"kubernetes"`     // group/Kind
	Images         []string `yaml:"images"`         // repository without registry and tag
	Charts         []string `yaml:"charts"`         // Helm charts
	Actions        []string `yaml:"actions"`        // GitHub Actions, owner/name
	IAM            []string `yaml:"iam"`            // permissions and roles
	ARNs           []string `yaml:"arns"`           // beginnings of resource names
	Events         []Event  `yaml:"events"`         // of clouds' audit logs that show use
	Costs          []string `yaml:"costs"`          // names on cloud bills
	Merchants      []string `yaml:"merchants"`      // names on card statements and invoices, upper case

	OAuth      []string `yaml:"oauth"`      // names of applications that people grant access to
	Clients    []string `yaml:"clients"`    // their client ids, where the vendor's id is one and the same for all
	Apps       []string `yaml:"apps"`       // slugs of GitHub apps
	Extensions []string `yaml:"extensions"` // of editors and browsers
	Trailers   []string `yaml:"trailers"`   // of commit messages
}

// KeyFormat is how a vendor's credentials look. What matches is never kept:
// see Redact.
type KeyFormat struct {
	Prefix string `yaml:"prefix"`
	RE     string `yaml:"re"`
	Weak   bool   `yaml:"weak"` // others write keys like it too
}

// Event is an event of a cloud's audit log that shows use (not administration).
// All are compared without case; | separates several, a * stands for anything.
type Event struct {
	Log       string `yaml:"log"`     // cloudtrail, azure-activity, gcp-audit
	Source    string `yaml:"source"`  // of CloudTrail
	Name      string `yaml:"name"`    // of CloudTrail
	Service   string `yaml:"service"` // of Google Cloud
	Method    string `yaml:"method"`  // of Google Cloud
	Operation string `yaml:"op"`      // of Azure
}

// Match is one signature that something was found to belong to.
type Match struct {
	*Signature
	// Field is the list of the signature that matched, as in the data:
	// packages, hosts, web, env, env_weak …
	Field string
	// Entry is the entry of that list.
	Entry string
	// Doubt says that the entry is a doubtful one, or that the match was made
	// by less than the entry asks for.
	Doubt bool
}

// Rule names what matched, for people and machines: openai/hosts.
func (m Match) Rule() string { return m.ID + "/" + m.Field }

// IsWeak reports whether the match alone shows nothing and needs another signal
// of the same signature beside it.
func (m Match) IsWeak() bool { return m.Weak || m.Field == "env_weak" || m.Doubt }
