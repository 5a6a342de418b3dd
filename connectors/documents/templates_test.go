package documents

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/wire/configschema"
)

// The templates are data beside the product, in the layout that this
// connector reads.
const templatesDir = "../../config/templates"

// template is one entry of index.yaml.
type template struct {
	File, Kind, Document, Title string
	Controls                    []string
}

func templates(t *testing.T) []template {
	t.Helper()
	var index struct{ Templates []template }
	decodeTemplate(t, "index.yaml", &index)
	return index.Templates
}

func decodeTemplate(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(templateText(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func templateText(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(os.DirFS(templatesDir), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// templateSettings are those of source.yaml, for a repository.
func templateSettings(t *testing.T, repository string) map[string]any {
	t.Helper()
	var sources []struct {
		Connector string
		Config    map[string]any
	}
	decodeTemplate(t, "source.yaml", &sources)
	if len(sources) != 1 || sources[0].Connector != "documents" {
		t.Fatalf("source.yaml: %+v", sources)
	}
	settings := sources[0].Config
	schema, err := configschema.Compile(New().Describe().ConfigSchema)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	if problems := schema.Validate(b); problems != nil {
		t.Errorf("source.yaml does not fit the schema: %v", problems)
	}
	delete(settings, "folder")
	settings["repository"] = repository
	return settings
}

// fill puts something that fits in the place of each placeholder.
func fill(text string) string {
	return regexp.MustCompile(`<([^<>\n]+)>`).ReplaceAllStringFunc(text, func(m string) string {
		switch m = m[1 : len(m)-1]; {
		case strings.HasPrefix(m, "date"):
			return "2026-01-05"
		case m == "number":
			return "1"
		case m == "yes or no":
			return "yes"
		case strings.HasPrefix(m, "sha256"):
			return sum(m)
		case strings.HasSuffix(m, "or empty"):
			return ""
		}
		first, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(m, "<"), ">"), " | ")
		return first
	})
}

// Each template, once filled in, gives the kind that it promises, with every
// section that is asked for; as it is, it gives a gap and no evidence.
func TestTemplates(t *testing.T) {
	forms, filled := newTestRepo(t), newTestRepo(t)
	formFiles, filledFiles := map[string]string{}, map[string]string{}
	want := map[string]string{}
	for _, x := range templates(t) {
		text := templateText(t, x.File)
		formFiles[x.File], filledFiles[x.File] = text, fill(text)
		want[x.File] = x.Kind
	}
	forms.commit(at(2, 1, 9), formFiles)
	filled.commit(at(2, 1, 9), filledFiles)

	rec, cov := run(t, templateSettings(t, filled.dir), nil)
	got := map[string]string{}
	for _, x := range rec.Records() {
		m := connectortest.Payload(t, x)
		p := m["source_path"].(string)
		got[p] = x.Kind
		if x.Kind == records.KindDocumentRevision {
			entry := templateEntry(t, p)
			if diff := cmp.Diff(entry, m["required_sections_found"]); diff != "" {
				t.Errorf("%s: sections:\n%s", p, diff)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("filled in (-want +got):\n%s", diff)
	}
	for _, g := range rec.Gaps() {
		t.Errorf("filled in: %s: %s", g.Scope, g.Detail)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete && !slices.Contains(codeKinds(), kind) {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}

	rec, _ = run(t, templateSettings(t, forms.dir), nil)
	for _, x := range rec.Records() {
		t.Errorf("%s is evidence though nobody filled it in", connectortest.Payload(t, x)["source_path"])
	}
	said := map[string]bool{}
	for _, g := range rec.Gaps() {
		if !strings.Contains(g.Detail, "still holds the placeholder") {
			t.Errorf("%s: %s", g.Scope, g.Detail)
		}
		said[g.Scope] = true
	}
	for file := range want {
		if !said[file] {
			t.Errorf("%s: nobody filled it in, and nothing says so", file)
		}
	}
}

// templateEntry returns the sections that source.yaml asks of a document.
func templateEntry(t *testing.T, file string) []any {
	t.Helper()
	for _, d := range templateSettings(t, "x")["documents"].([]any) {
		if d := d.(map[string]any); d["glob"] == file {
			return d["required_sections"].([]any)
		}
	}
	return nil
}

// One placeholder that was left is enough.
func TestTemplateFilledInButForOne(t *testing.T) {
	for _, x := range templates(t) {
		text := templateText(t, x.File)
		holes := regexp.MustCompile(`<[^<>\n]+>`).FindAllStringIndex(text, -1)
		last := holes[len(holes)-1]
		almost := fill(text[:last[0]]) + text[last[0]:]
		r := newTestRepo(t)
		r.commit(at(2, 1, 9), map[string]string{x.File: almost})
		if rec, _ := run(t, templateSettings(t, r.dir), nil); len(rec.Records()) != 0 {
			t.Errorf("%s: with %s left it is evidence", x.File, text[last[0]:last[1]])
		}
	}
}

// Every kind that people keep has a template, every file has an entry, and
// every control that is named is one.
func TestTemplateIndex(t *testing.T) {
	catalog, err := os.ReadFile("../../config/catalog/iso42001.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds, files := map[string]bool{}, map[string]bool{"README.md": true, "index.yaml": true, "source.yaml": true}
	for _, x := range templates(t) {
		kinds[x.Kind], files[x.File] = true, true
		for _, c := range x.Controls {
			if !regexp.MustCompile(`id: '?` + regexp.QuoteMeta(c) + `'?\b`).Match(catalog) {
				t.Errorf("%s: there is no control %s", x.File, c)
			}
		}
		if x.Kind == records.KindDocumentRevision && !strings.Contains(templateText(t, x.File), "id: "+x.Document+"\n") {
			t.Errorf("%s: its id is not %s", x.File, x.Document)
		}
	}
	for _, s := range records.Shapes() {
		if !kinds[s.Kind] {
			t.Errorf("%s has no template", s.Kind)
		}
	}
	err = fs.WalkDir(os.DirFS(templatesDir), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !files[p] {
			t.Errorf("%s is not in index.yaml", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The table in the templates' README says what the index says.
func TestTemplatesREADME(t *testing.T) {
	const begin, end = "<!-- generated -->\n", "<!-- end -->"
	text := templateText(t, "README.md")
	head, rest, ok := strings.Cut(text, begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has no generated part")
	}
	var b strings.Builder
	for _, part := range []struct {
		title string
		has   func(template) bool
	}{
		{"Documents", func(x template) bool { return x.Kind == records.KindDocumentRevision }},
		{"Records", func(x template) bool {
			return x.Kind != records.KindDocumentRevision && path.Dir(x.File) != "registers"
		}},
		{"Registers", func(x template) bool { return path.Dir(x.File) == "registers" }},
	} {
		fmt.Fprintf(&b, "## %s\n\n| template | what for | kind | controls |\n|---|---|---|---|\n", part.title)
		for _, x := range templates(t) {
			if part.has(x) {
				kind := "`" + x.Kind + "`"
				if x.Document != "" {
					kind += " " + x.Document
				}
				fmt.Fprintf(&b, "| [%s](%s) | %s | %s | %s |\n", x.File, x.File, x.Title, kind, strings.Join(x.Controls, ", "))
			}
		}
		b.WriteString("\n")
	}
	if os.Getenv("EXHIBIT_UPDATE") != "" {
		if err := os.WriteFile(path.Join(templatesDir, "README.md"), []byte(head+begin+b.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(b.String(), old); d != "" {
		t.Errorf("run it with EXHIBIT_UPDATE=1:\n%s", d)
	}
}

// What a programme has to write has a form, and the form asks for what matters
// in it.
func TestTemplatesOfWhatHasToBeWritten(t *testing.T) {
	there := map[string]bool{}
	for _, x := range templates(t) {
		there[x.File] = true
	}
	for file, asks := range map[string][]string{
		"policies/ai-policy.md":                              {"Principles", "Roles", "Review"},
		"procedures/risk-methodology.md":                     {"Criteria", "Scales", "Acceptance"},
		"procedures/risk-library.md":                         {"Bias", "Privacy", "Hallucination", "Unsafe automation", "Vendor dependency", "Poor documentation", "Weak oversight"},
		"procedures/use-case-intake.md":                      {"Requested", "Approved with conditions", "Transitions"},
		"procedures/incident-response.md":                    {"Severity", "Recipients", "Deadlines"},
		"procedures/supplier-review.md":                      {"Model updates", "Data usage terms", "Output logging", "Security", "Service continuity"},
		"procedures/records-and-retention.md":                {"Approval", "Retention"},
		"training/ai-awareness.md":                           {"What you must not do"},
		"minutes/management-review-minutes.md":               {"Decisions of last time", "What was looked at", "What was decided"},
		"records/systems/impact-assessment.yaml":             {"individual_impacts", "societal_impacts", "affected_groups"},
		"records/systems/evaluation-criteria.yaml":           {"metrics", "threshold"},
		"records/systems/monitoring-plan.yaml":               {"kind: monitoring.plan"},
		"records/systems/oversight-rule.yaml":                {"kind: oversight.rule"},
		"records/vendors/assessment.yaml":                    {"model_updates", "data_usage_terms", "output_logging", "security", "service_continuity"},
		"records/management/statement-of-applicability.yaml": {"justification", "approved_by"},
		"records/management/management-review.yaml":          {"inputs", "decisions"},
		"registers/certification-bodies.yaml":                {"accreditation_body", "competence_sha256", "scope_text"},
	} {
		text := ""
		if there[file] {
			text = templateText(t, file)
		}
		for _, ask := range asks {
			if !strings.Contains(text, ask) {
				t.Errorf("%s does not ask for %s", file, ask)
			}
		}
	}
}
