// Package connectors_test holds the table of README.md against what every
// connector says of itself, and against what was read from which peer.
package connectors_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/anthropic"
	"github.com/exhibit-aims/exhibit/connectors/aws"
	"github.com/exhibit-aims/exhibit/connectors/azure"
	"github.com/exhibit-aims/exhibit/connectors/documents"
	"github.com/exhibit-aims/exhibit/connectors/entra"
	"github.com/exhibit-aims/exhibit/connectors/expenses"
	"github.com/exhibit-aims/exhibit/connectors/gcp"
	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/connectors/googleworkspace"
	"github.com/exhibit-aims/exhibit/connectors/http"
	"github.com/exhibit-aims/exhibit/connectors/huggingface"
	"github.com/exhibit-aims/exhibit/connectors/jira"
	"github.com/exhibit-aims/exhibit/connectors/kubernetes"
	"github.com/exhibit-aims/exhibit/connectors/mlflow"
	"github.com/exhibit-aims/exhibit/connectors/netlogs"
	"github.com/exhibit-aims/exhibit/connectors/okta"
	"github.com/exhibit-aims/exhibit/connectors/openai"
	"github.com/exhibit-aims/exhibit/connectors/vendorwatch"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func all() []connector.Connector {
	return []connector.Connector{
		anthropic.New(), aws.New(), azure.New(), documents.New(), entra.New(), expenses.New(), gcp.New(), github.New(), googleworkspace.New(), http.New(), huggingface.New(),
		jira.New(), kubernetes.New(), mlflow.New(), netlogs.New(), okta.New(), openai.New(), vendorwatch.New(),
	}
}

// Each folder is a connector of the same name, is in the table, and has a
// program.
func TestEveryFolder(t *testing.T) {
	var listed []string
	for _, c := range all() {
		listed = append(listed, c.Describe().Name)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
			if _, err := os.Stat("../cmd/exhibit-connector-" + e.Name() + "/main.go"); err != nil {
				t.Errorf("connector %s has no program: %v", e.Name(), err)
			}
		}
	}
	if d := cmp.Diff(folders, listed); d != "" {
		t.Errorf("folders (-) and what is listed here (+):\n%s", d)
	}
}

// The table says what the connectors say. Run it with EXHIBIT_UPDATE=1 after a
// change.
func TestTable(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- generated -->\n", "<!-- end -->"
	head, rest, ok := strings.Cut(string(raw), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has no generated part")
	}
	want := table(t)
	if os.Getenv("EXHIBIT_UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, old); d != "" {
		t.Errorf("run it with EXHIBIT_UPDATE=1:\n%s", d)
	}
}

func table(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| source | kind | permissions | when nothing changed | read from |\n|---|---|---|---|---|\n")
	for _, c := range all() {
		d := c.Describe()
		peers, err := connectortest.Peers(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		rows(&b, d, peersByKind(t, d, peers))
	}
	return b.String()
}

// rows writes a line for each kind; those that people keep, which any file,
// ticket or API may hold, share one.
func rows(b *strings.Builder, d connector.Descriptor, peers map[string][]string) {
	var kept []string
	var servers []string
	for _, k := range d.Kinds {
		if _, shaped := records.ShapeOf(k.Kind); shaped && len(d.Kinds) > 60 {
			kept = append(kept, k.Kind)
			servers = append(servers, peers[k.Kind]...)
			continue
		}
		if d.Name == "http" {
			kept = append(kept, k.Kind)
			servers = append(servers, peers[k.Kind]...)
			continue
		}
		fmt.Fprintf(b, "| [%s](%s/README.md) | `%s` | %s | %s | %s |\n", d.Name, d.Name, k.Kind, permissions(d, k.Kind), words(k.Reread), read(peers[k.Kind]))
	}
	if len(kept) > 0 {
		reread := d.Kinds[slices.IndexFunc(d.Kinds, func(k connector.KindSpec) bool { return k.Kind == kept[0] })].Reread
		fmt.Fprintf(b, "| [%s](%s/README.md) | %d kinds, by a mapping in the settings | %s | %s | %s |\n",
			d.Name, d.Name, len(kept), permissions(d, kept[0]), words(reread), read(servers))
	}
}

func permissions(d connector.Descriptor, kind string) string {
	var out []string
	for _, p := range d.Permissions {
		if slices.Contains(p.Kinds, kind) {
			out = append(out, "`"+p.ID+"`")
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func words(r connector.Reread) string {
	return map[connector.Reread]string{
		connector.ReadInFull: "read in full", connector.ReadSinceCursor: "only what came since", connector.ReadIfChanged: "conditional (304)",
	}[r]
}

func read(servers []string) string {
	slices.Sort(servers)
	servers = slices.Compact(servers)
	if len(servers) == 0 {
		return "our own imitation"
	}
	return strings.Join(servers, ", ")
}

// peersByKind turns a connector's peers round. A kind that is not described
// cannot have been read.
func peersByKind(t *testing.T, d connector.Descriptor, peers map[string][]string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for server, kinds := range peers {
		for _, kind := range kinds {
			if !slices.ContainsFunc(d.Kinds, func(k connector.KindSpec) bool { return k.Kind == kind }) {
				t.Errorf("%s: %s was read from %s, and is not described", d.Name, kind, server)
			}
			out[kind] = append(out[kind], server)
		}
	}
	return out
}
