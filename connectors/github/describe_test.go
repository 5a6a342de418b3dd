package github_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire/configschema"
)

var update = flag.Bool("update", false, "write the generated part of README.md")

// property is one setting in the schema.
type property struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	Default     any    `json:"default"`
}

func schemaOf(t *testing.T) map[string]property {
	t.Helper()
	var s struct {
		Properties map[string]property `json:"properties"`
	}
	if err := json.Unmarshal(github.New().Describe().ConfigSchema, &s); err != nil {
		t.Fatal(err)
	}
	return s.Properties
}

// The generated part of the README says what Describe says.
func TestREADME(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- generated -->\n", "<!-- end -->"
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has no generated part")
	}
	want := reference(t)
	if *update {
		if err := os.WriteFile("README.md", []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, old); d != "" {
		t.Errorf("README.md is not what Describe says; run go test ./connectors/github -run TestREADME -update:\n%s", d)
	}
}

func reference(t *testing.T) string {
	d := github.New().Describe()
	var b strings.Builder
	b.WriteString("### Kinds\n\n| kind | one record is |\n|---|---|\n")
	for _, k := range d.Kinds {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k.Kind, k.Summary)
	}
	b.WriteString("\n### Permissions\n\n| permission | without it there is no | why | how to grant it |\n|---|---|---|---|\n")
	for _, p := range d.Permissions {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.ID, strings.Join(p.Kinds, ", "), p.Why, p.Grant)
	}
	b.WriteString("\n### Secrets\n\n")
	for _, s := range d.Secrets {
		fmt.Fprintf(&b, "- `%s`: %s\n", s.Name, s.Summary)
	}
	b.WriteString("\n### Settings\n\n| setting | type | default | meaning |\n|---|---|---|---|\n")
	props := schemaOf(t)
	names := make([]string, 0, len(props))
	for n := range props {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		def := ""
		if props[n].Default != nil {
			def = fmt.Sprintf("`%v`", props[n].Default)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", n, props[n].Type, def, strings.ReplaceAll(props[n].Description, "|", `\|`))
	}
	return b.String()
}

// The example in the README is a configuration that the connector takes.
func TestREADMEExample(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(b)
	if m == nil {
		t.Fatal("no example")
	}
	schema, err := configschema.Compile(github.New().Describe().ConfigSchema)
	if err != nil {
		t.Fatal(err)
	}
	if problems := schema.Validate(m[1]); problems != nil {
		t.Errorf("the example does not fit the schema: %v", problems)
	}
}

// What the schema states as default is what happens.
func TestDefaults(t *testing.T) {
	props := schemaOf(t)
	want := map[string]any{"base_url": "https://api.github.com", "lookback_days": 365.0, "concurrency": 8.0, "requests_per_second": 12.0, "max_wait_seconds": 120.0,
		"sbom_per_run": 100.0, "sbom_reports": false, "audit_include": "web"}
	got := map[string]any{}
	for name, p := range props {
		if p.Description == "" {
			t.Errorf("%s has no description", name)
		}
		if p.Default != nil {
			got[name] = p.Default
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, github.Defaults()); d != "" {
		t.Errorf("the code's defaults differ from the schema's:\n%s", d)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, tc := range []struct {
		name, settings, token, want string
	}{
		{"nothing to read", `{}`, "t", "organization"},
		{"unknown setting", `{"organization":"acme","orgs":["x"]}`, "t", "orgs"},
		{"wrong type", `{"organization":7}`, "t", "organization"},
		{"no token", `{"organization":"acme"}`, "", "token"},
		{"token with a line break", `{"organization":"acme"}`, "abc\ndef", "line break"},
		{"both", `{"organization":"acme","owner":"kim"}`, "t", "organization, owner"},
		{"name without owner", `{"repositories":["app"]}`, "t", "owner/name"},
		{"wildcard without listing", `{"repositories":["acme/*"]}`, "t", "wildcard"},
		{"wildcard of another owner", `{"organization":"acme","repositories":["other/*"]}`, "t", "wildcard"},
		{"path in a name", `{"repositories":["acme/../x"]}`, "t", "not a repository's name"},
		{"dots", `{"repositories":["acme/.."]}`, "t", "not a repository's name"},
		{"bad pattern", `{"organization":"acme","repositories":["acme/[a"]}`, "t", "repositories[0]"},
		{"bad glob", `{"organization":"acme","file_globs":["/etc/*"]}`, "t", "file_globs[0]"},
		{"glob that climbs", `{"organization":"acme","file_globs":["a/../../b"]}`, "t", "file_globs[0]"},
		{"bad branch", `{"organization":"acme","branches":["a..b"]}`, "t", "branches[0]"},
		{"bad day", `{"organization":"acme","since":"yesterday"}`, "t", "since"},
		{"zero", `{"organization":"acme","concurrency":0}`, "t", "concurrency"},
		{"plain http", `{"organization":"acme","base_url":"http://ghe.example.com/api/v3"}`, "t", "https"},
		{"password in the address", `{"organization":"acme","base_url":"https://me:hunter2@ghe.example.com"}`, "t", "base URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := connector.Config{Settings: json.RawMessage(tc.settings), Secrets: map[string]string{"token": tc.token}}
			_, err := github.New().Check(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "abc") {
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
		})
	}
	cfg := connector.Config{Settings: json.RawMessage(`{"since":"x","branches":[".."]}`)}
	if _, err := github.New().Check(t.Context(), cfg); strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("not all errors at once: %v", err)
	}
}
