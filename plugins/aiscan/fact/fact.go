// Package fact is what a file says about the software around it, before
// anybody asks whether that is AI: a package it depends on, an image it runs, a
// resource it creates, a variable it sets. Readers of file formats return
// facts; the scanner holds them against the signatures.
//
// It imports the standard library only.
package fact

// Class says what a fact names.
type Class string

// Classes. Name is what is given in brackets.
const (
	Package   Class = "package"   // [name as its ecosystem normalises it] declared or locked
	Import    Class = "import"    // [module or namespace] in source code
	Host      Class = "host"      // [host, or host:port] of an address
	Env       Class = "env"       // [name of the variable] read, set or passed on
	Model     Class = "model"     // [id of a model]
	Key       Class = "key"       // [redacted form] of a credential; the credential itself is never kept
	Call      Class = "call"      // [text] that only code using it has
	Setting   Class = "setting"   // [key] in a configuration file
	Image     Class = "image"     // [reference] of a container image
	Chart     Class = "chart"     // [name] of a Helm chart
	Resource  Class = "resource"  // [type] of a resource that infrastructure code creates
	Workload  Class = "workload"  // [group/Kind] of a Kubernetes object
	Action    Class = "action"    // [owner/name] of a GitHub Action
	IAM       Class = "iam"       // [permission or role] granted
	ARN       Class = "arn"       // [resource name]
	Port      Class = "port"      // [number]
	File      Class = "file"      // [path] whose name alone tells what it is
	Weights   Class = "weights"   // [format] of a model file, as its first bytes show
	MCPServer Class = "mcp"       // [name, command or host] of a tool server in an agent's configuration
	Extension Class = "extension" // [id] of an editor or browser extension
	Trailer   Class = "trailer"   // [line] of a commit message
)

// Standing says how much a fact stands for use.
type Standing string

// Values of Standing. The zero value is an ordinary, direct declaration.
const (
	Direct      Standing = ""            // declared, written, set
	Transitive  Standing = "transitive"  // only in a lockfile, because of something else
	Development Standing = "development" // for tests, builds and tools
	Optional    Standing = "optional"    // an extra, a feature, a condition: only some installations have it
	Central     Standing = "central"     // a version for the case that somebody depends on it: no use by itself
	Commented   Standing = "commented"   // in a comment: no use
	Templated   Standing = "templated"   // the name or version is filled in later; what is there was taken
	Excluded    Standing = "excluded"    // named in order to keep it out: no use
)

// Counts reports whether a fact of this standing is use at all.
func (s Standing) Counts() bool { return s != Central && s != Commented && s != Excluded }

// Fact is one thing that one place of a file says.
type Fact struct {
	Class    Class
	Name     string
	Line     int               // from 1; 0 when the format has no lines
	Standing Standing          //
	Group    string            // ecosystem of a package (pypi npm go maven nuget gem cargo composer conda …), language of an import (py js go java cs rb rs php …), tool of a resource (terraform cloudformation arm)
	Version  string            // of a package, image, action; empty if none is given
	Attrs    map[string]string // attributes of a resource that signatures may ask for, lower case keys
	Via      string            // of a transitive package: the direct one, when the file says
}
