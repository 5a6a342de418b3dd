package connectortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/wire/configschema"
)

// updateVar in the environment makes README and Peer write what they compare.
const updateVar = "EXHIBIT_UPDATE"

func updating() bool { return os.Getenv(updateVar) != "" }

// README holds README.md in the test's folder against the connector: the part
// between <!-- generated --> and <!-- end --> is what Describe says, and every
// example in a block marked json fits the config schema and is taken by parse,
// with secrets. With EXHIBIT_UPDATE=1 in the environment it writes the part.
func README(t *testing.T, c connector.Connector, secrets map[string]string, parse func(connector.Config) error) {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	d := c.Describe()
	const begin, end = "<!-- generated -->\n", "<!-- end -->"
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md has no part between %q and %q", strings.TrimSpace(begin), end)
	}
	want := Reference(d)
	switch {
	case updating():
		if err := os.WriteFile("README.md", []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != want:
		t.Errorf("README.md is not what Describe says; run it with %s=1:\n%s", updateVar, cmp.Diff(want, old))
	}
	schema, err := configschema.Compile(d.ConfigSchema)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(b, -1)
	if len(examples) == 0 {
		t.Error("README.md has no example of settings in a block marked json")
	}
	for _, m := range examples {
		if err := schema.Validate(m[1]); err != nil {
			t.Errorf("the example does not fit the schema: %v\n%s", err, m[1])
		} else if err := parse(connector.Config{Settings: m[1], Secrets: secrets}); err != nil {
			t.Errorf("the example is refused: %v\n%s", err, m[1])
		}
	}
}

// Reference is what a descriptor says, as Markdown.
func Reference(d connector.Descriptor) string {
	var b strings.Builder
	b.WriteString("### Kinds\n\n| kind | one record is | when nothing changed |\n|---|---|---|\n")
	kept := 0
	for _, k := range d.Kinds {
		if _, shaped := records.ShapeOf(k.Kind); shaped {
			kept++
		}
	}
	for _, k := range d.Kinds {
		if _, shaped := records.ShapeOf(k.Kind); !shaped || kept < manyShapes {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Kind, cell(k.Summary), rereadWords(k.Reread))
		}
	}
	if kept >= manyShapes {
		shapes(&b)
	}
	if len(d.Permissions) > 0 {
		b.WriteString("\n### Permissions\n\n| permission | without it there is no | why | how to grant it |\n|---|---|---|---|\n")
	}
	for _, p := range d.Permissions {
		kinds := strings.Join(p.Kinds, ", ")
		if len(p.Kinds) >= manyShapes {
			kinds = "any kind"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.ID, kinds, cell(p.Why), cell(p.Grant))
	}
	if len(d.Secrets) > 0 {
		b.WriteString("\n### Secrets\n\n| secret | needed | what it is |\n|---|---|---|\n")
	}
	for _, s := range d.Secrets {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, map[bool]string{true: "yes", false: "depends"}[s.Required], cell(s.Summary))
	}
	settings(&b, d.ConfigSchema)
	return b.String()
}

// manyShapes kinds that people keep get a table of their own.
const manyShapes = 10

func rereadWords(r connector.Reread) string {
	return map[connector.Reread]string{
		connector.ReadInFull: "read in full", connector.ReadSinceCursor: "only what came since", connector.ReadIfChanged: "the source says so (304)",
	}[r]
}

func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ") }

// property is one setting in a schema.
type property struct {
	Type        any                 `json:"type"`
	Description string              `json:"description"`
	Default     any                 `json:"default"`
	Properties  map[string]property `json:"properties"`
	Items       *property           `json:"items"`
	Required    []string            `json:"required"`
}

func settings(b *strings.Builder, schema json.RawMessage) {
	var root property
	if json.Unmarshal(schema, &root) != nil || len(root.Properties) == 0 {
		return
	}
	b.WriteString("\n### Settings\n\n| setting | type | default | meaning |\n|---|---|---|---|\n")
	root.rows(b, "")
}

// rows writes the properties of an object, and those of the objects in them.
func (p property) rows(b *strings.Builder, prefix string) {
	for _, n := range slices.Sorted(maps.Keys(p.Properties)) {
		q := p.Properties[n]
		def := ""
		switch {
		case q.Default != nil:
			raw, _ := json.Marshal(q.Default) // decoded from JSON just now
			def = "`" + string(raw) + "`"
		case slices.Contains(p.Required, n):
			def = "must be given"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", prefix+n, q.typeName(), def, cell(q.Description))
		q.rows(b, prefix+n+".")
		if q.Items != nil {
			q.Items.rows(b, prefix+n+"[].")
		}
	}
}

func (p property) typeName() string {
	if s, ok := p.Type.(string); ok {
		if s == "array" && p.Items != nil {
			return "list of " + p.Items.typeName()
		}
		return s
	}
	return ""
}

// shapes lists the kinds that people keep, with their fields.
func shapes(b *strings.Builder) {
	b.WriteString("\n### Kinds that people keep\n\nFields are text unless marked: `@` a time or a day, `#` a number, `?` yes or no, `[]` a list, `{}` an object.\n" +
		"What it is about stands first, then what tells two records apart.\n\n| kind | about | apart by | happened at | fields |\n|---|---|---|---|---|\n")
	mark := map[records.FieldType]string{
		records.Time: "@", records.Number: "#", records.Bool: "?", records.Texts: "[]", records.Objects: "[]{}", records.Object: "{}",
	}
	for _, s := range records.Shapes() {
		var fields []string
		for _, f := range s.Fields {
			text := f.Name + mark[f.Type]
			if f.Values != nil {
				text += " (" + strings.Join(f.Values, ", ") + ")"
			}
			fields = append(fields, text)
		}
		fmt.Fprintf(b, "| `%s` | %s %s | %s | %s | %s |\n", s.Kind, s.SubjectType, s.SubjectField, strings.Join(s.Key, ", "), s.EventField, strings.Join(fields, ", "))
	}
}
