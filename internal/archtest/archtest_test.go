// Package archtest holds the import rules of the project as a test: which
// package may know which. It promises that a layer that is broken fails the
// build with the rule, the package and the offending import.
package archtest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/exhibit-aims/exhibit/"

// rule forbids packages under from to import, themselves, anything under one
// of deny, unless it is under one of allow.
type rule struct {
	name  string
	from  []string
	deny  []string
	allow []string
}

// "std" stands for the standard library, "other" for modules that are not ours.
var rules = []rule{
	{"the contract imports the standard library only",
		[]string{"plugins/connector"}, []string{"other", "cmd", "connectors", "internal", "plugins", "config"}, nil},
	{"what crosses the process boundary is public: it knows nothing internal",
		[]string{"plugins"}, []string{"internal", "connectors", "cmd", "config"}, nil},
	{"connectors know the contract, not the product",
		[]string{"connectors"}, []string{"internal", "cmd", "config", "connectors",
			"other:google.golang.org/grpc", "other:github.com/hashicorp/go-plugin", "plugins/serve", "plugins/wire"}, nil},
	{"no connector runs a command: there is no setting that could become one",
		[]string{"connectors", "plugins/rest", "plugins/coverage", "plugins/transport", "plugins/records", "plugins/usage", "plugins/gitdir", "plugins/aiscan", "plugins/aisign", "plugins/grants"},
		[]string{"os/exec", "plugin", "other:golang.org/x/sys"}, nil},
	{"a connector's main only serves it",
		[]string{"cmd/exhibit-connector-"}, []string{"internal", "other", "config"}, nil},
	{"the product links no connector", []string{"cmd/exhibit/", "internal"}, []string{"connectors"}, nil},
	{"domain types depend on nothing of ours",
		[]string{"internal/evidence"}, []string{"internal", "plugins", "connectors", "config", "cmd"}, nil},
	{"the assessment is pure: no I/O, no store, no host",
		[]string{"internal/assess", "internal/finding", "internal/ask", "internal/gapreport"}, []string{"os", "net", "database/sql", "os/exec", "internal/store", "internal/agent",
			"internal/pluginhost", "internal/export", "plugins"}, nil},
	{"reconciliation is pure: no I/O, no store, no host",
		[]string{"internal/shadow"}, []string{"os", "net", "database/sql", "os/exec", "internal/store", "internal/agent", "internal/pluginhost",
			"internal/export", "internal/register", "internal/assess", "plugins"}, []string{"plugins/aisign"}},
	{"the store's contract knows no implementation",
		[]string{"internal/store/"}, []string{"internal/store/sqlite", "internal/store/postgres", "internal/store/memory",
			"internal/assess", "internal/agent", "internal/export", "plugins"}, nil},
	{"what others say of a checkpoint is verified without a store and without the product",
		[]string{"internal/attest"}, []string{"internal", "plugins", "config", "cmd"}, []string{"internal/evidence", "internal/ledger", "internal/attest"}},
	{"the operational database knows nothing of what is kept in it", []string{"internal/opsdb"}, []string{"internal", "plugins", "connectors", "config", "cmd"}, nil},
	{"what is told and ticketed is handed over: no store, no service, no assessment", []string{"internal/notify", "internal/ticket"},
		[]string{"internal", "plugins", "connectors", "config", "cmd"}, []string{"internal/opsdb"}},
	{"telemetry is handed words and numbers: it knows no store, no source and no page",
		[]string{"internal/telemetry"}, []string{"internal", "plugins", "connectors", "config", "cmd"}, []string{"internal/ledger", "internal/telemetry"}},
	{"who reads secrets knows where they are and nothing else",
		[]string{"internal/secrets"}, []string{"internal", "plugins", "connectors", "config", "cmd"}, []string{"internal/configfile", "internal/secrets"}},
	{"pages know what can be asked and told, and no store, host or listener",
		[]string{"internal/dashboard"}, []string{"internal/store", "internal/opsdb", "internal/pluginhost", "internal/server", "internal/evaluate", "database/sql", "os", "os/exec", "plugins"},
		[]string{"internal/store/"}},
	{"the way out and the reading anew know the configuration at most",
		[]string{"internal/outbound", "internal/reload"}, []string{"internal", "plugins", "connectors", "config", "cmd"}, []string{"internal/configfile", "internal/telemetry"}},
	{"who may do what is decided without a page, an operation or a store",
		[]string{"internal/access"}, []string{"internal", "plugins", "connectors", "config", "cmd"},
		[]string{"internal/access", "internal/evidence", "internal/people", "internal/register", "internal/opsdb", "internal/store/"}},
	{"the listener is handed what it serves",
		[]string{"internal/server"}, []string{"internal", "plugins", "connectors", "config", "cmd"},
		[]string{"internal/server", "internal/access", "internal/configfile", "internal/people", "internal/register", "internal/opsdb"}},
	{"the calendar of blackouts imports the standard library only", []string{"internal/agent/blackout"},
		[]string{"other", "internal", "plugins", "connectors", "config", "cmd"}, nil},
	{"the agent knows no particular store, and nothing that shows or tells", []string{"internal/agent"},
		[]string{"internal/store/sqlite", "internal/store/postgres", "internal/store/memory", "internal/service", "internal/server", "internal/dashboard",
			"internal/api", "internal/notify", "internal/ticket", "internal/configfile"}, nil},
	{"the API and the assistants' way in know what can be asked and told, and no store, host, page or listener",
		[]string{"internal/api", "internal/mcp", "internal/exportjob"}, []string{"internal/store/sqlite", "internal/store/postgres", "internal/store/memory", "internal/store/sqlstore",
			"internal/pluginhost", "internal/server", "internal/dashboard", "internal/evaluate", "connectors", "cmd", "os/exec"}, nil},
	{"configuration data holds no logic", []string{"config"}, []string{"internal", "plugins", "connectors", "other"}, nil},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestLayers(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 20 {
		t.Fatalf("only %d packages found", len(pkgs))
	}
	for _, r := range rules {
		checked := 0
		for _, p := range pkgs {
			own := strings.TrimPrefix(p.ImportPath, module)
			if !slices.ContainsFunc(r.from, func(f string) bool { return under(own, f) }) {
				continue
			}
			checked++
			for _, imp := range p.Imports {
				if why, bad := r.forbids(own, imp); bad {
					t.Errorf("%s: %s imports %s (%s)", r.name, own, imp, why)
				}
			}
		}
		if checked == 0 {
			t.Errorf("%s: no package under %v: the rule checks nothing", r.name, r.from)
		}
	}
}

// under reports whether path is at or below prefix. A prefix ending in "/"
// means exactly that package; one ending in "-" any name that begins so.
func under(path, prefix string) bool {
	if exact, ok := strings.CutSuffix(prefix, "/"); ok {
		return path == exact
	}
	if strings.HasSuffix(prefix, "-") {
		return strings.HasPrefix(path, prefix)
	}
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func (r rule) forbids(from, imp string) (string, bool) {
	own, ours := strings.CutPrefix(imp, module)
	first, _, _ := strings.Cut(imp, "/")
	other := !ours && strings.Contains(first, ".")
	for _, a := range r.allow {
		if ours && under(own, a) {
			return "", false
		}
	}
	for _, d := range r.deny {
		third, isThird := strings.CutPrefix(d, "other:")
		switch {
		case isThird && other && under(imp, third):
			return d, true
		case d == "other" && other:
			return d, true
		case ours && under(own, d) && (!under(from, d) || !under(own, from)):
			return d, true
		case !ours && !other && imp == d:
			return d, true
		}
	}
	return "", false
}

// TestRulesBite shows that the rules can fail.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct{ from, imp string }{
		{"plugins/connector", "github.com/google/uuid"},
		{"plugins/serve", module + "internal/store"},
		{"connectors/github", module + "internal/evidence"},
		{"connectors/github", "google.golang.org/grpc/codes"},
		{"connectors/github", module + "connectors/jira"},
		{"connectors/documents", "os/exec"},
		{"cmd/exhibit", module + "connectors/github"},
		{"internal/evidence", module + "internal/store"},
		{"internal/assess", "os"},
		{"internal/store", module + "internal/store/sqlite"},
		{"config", module + "internal/catalog"},
		{"internal/access", module + "internal/service"},
		{"internal/server", module + "internal/dashboard"},
	} {
		caught := false
		for _, r := range rules {
			if slices.ContainsFunc(r.from, func(f string) bool { return under(c.from, f) }) {
				if _, bad := r.forbids(c.from, c.imp); bad {
					caught = true
				}
			}
		}
		if !caught {
			t.Errorf("no rule forbids %s to import %s", c.from, c.imp)
		}
	}
}

// stageInit is the one file with an init function: in front of main most of a
// program's start is over, which a stage has no use for.
const stageInit = "internal/pluginhost/stage/stage_linux.go"

// TestNoHiddenStart refuses init functions everywhere else, and
// context.Background outside main packages and tests.
func TestNoHiddenStart(t *testing.T) {
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == ".git" || name == "bin" || name == "testdata" || name == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".pb.go") {
			return nil
		}
		return inspect(t, root, path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func inspect(t *testing.T, root, path string) error {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil && filepath.ToSlash(rel) != stageInit {
				t.Errorf("%s: func init", rel)
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Name == "context" && (n.Sel.Name == "Background" || n.Sel.Name == "TODO") && file.Name.Name != "main" && !testOnly(rel) {
				t.Errorf("%s:%d: context.%s below main", rel, fset.Position(n.Pos()).Line, n.Sel.Name)
			}
		}
		return true
	})
	return nil
}

// testOnly names packages that exist for tests of other packages.
func testOnly(rel string) bool {
	for _, dir := range []string{"internal/store/storetest", "internal/store/postgres/pgtest", "internal/export/exporttest", "internal/verify/verifytest", "plugins/connectortest"} {
		if strings.HasPrefix(filepath.ToSlash(rel), dir+"/") {
			return true
		}
	}
	return false
}
