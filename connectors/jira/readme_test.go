package jira

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/wire/configschema"
)

var update = flag.Bool("update", false, "write the generated part of README.md")

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
		t.Errorf("README.md is not what Describe says; run go test ./connectors/jira -run TestREADME -update:\n%s", d)
	}
}

func reference(t *testing.T) string {
	d := New().Describe()
	var b strings.Builder
	b.WriteString("### Kinds\n\n| kind | one record is |\n|---|---|\n")
	for _, k := range d.Kinds {
		if _, kept := records.ShapeOf(k.Kind); !kept {
			fmt.Fprintf(&b, "| `%s` | %s |\n", k.Kind, k.Summary)
		}
	}
	if len(d.Kinds) > 20 {
		shapes(&b)
	}
	b.WriteString("\n### Permissions\n\n| permission | why | how to grant it |\n|---|---|---|\n")
	for _, p := range d.Permissions {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.ID, p.Why, p.Grant)
	}
	if len(d.Secrets) > 0 {
		b.WriteString("\n### Secrets\n\n")
	}
	for _, s := range d.Secrets {
		fmt.Fprintf(&b, "- `%s`: %s\n", s.Name, s.Summary)
	}
	var schema struct {
		Properties map[string]struct {
			Type        string `json:"type"`
			Description string `json:"description"`
			Default     any    `json:"default"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(d.ConfigSchema, &schema); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n### Settings\n\n| setting | default | meaning |\n|---|---|---|\n")
	for _, n := range slices.Sorted(maps.Keys(schema.Properties)) {
		def := ""
		if v := schema.Properties[n].Default; v != nil {
			def = fmt.Sprintf("`%v`", v)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", n, def, strings.ReplaceAll(schema.Properties[n].Description, "|", `\|`))
	}
	return b.String()
}

// shapes lists the kinds that people keep, with their fields.
func shapes(b *strings.Builder) {
	b.WriteString("\n### Kinds that people keep\n\nFields are text unless marked: `@` a time or a day, `#` a number, `?` yes or no, `[]` a list, `{}` an object.\n" +
		"What it is about stands first, then what tells two records apart.\n\n| kind | about | apart by | happened at | fields |\n|---|---|---|---|---|\n")
	mark := map[records.FieldType]string{records.Time: "@", records.Number: "#", records.Bool: "?", records.Texts: "[]", records.Objects: "[]{}", records.Object: "{}"}
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

// Each example in the README is a configuration that the connector takes.
func TestREADMEExample(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := configschema.Compile(New().Describe().ConfigSchema)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(b, -1)
	if len(examples) == 0 {
		t.Fatal("no example")
	}
	for _, m := range examples {
		if problems := schema.Validate(m[1]); problems != nil {
			t.Errorf("the example does not fit the schema: %v", problems)
		}
		if _, err := parseConfig(configOf(m[1])); err != nil {
			t.Errorf("the example is refused: %v", err)
		}
	}
}
