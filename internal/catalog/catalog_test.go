package catalog_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func load(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The ids are those of the standard, each once, in its order. They are written
// out here a second time on purpose: changing one place must not be enough.
func TestFrozenControls(t *testing.T) {
	want := strings.Fields(`
		4.1 4.2 4.3 4.4 5.1 5.2 5.3 6.1.1 6.1.2 6.1.3 6.1.4 6.2 6.3 7.1 7.2 7.3 7.4 7.5.1 7.5.2 7.5.3
		8.1 8.2 8.3 8.4 9.1 9.2.1 9.2.2 9.3.1 9.3.2 9.3.3 10.1 10.2
		A.2.2 A.2.3 A.2.4 A.3.2 A.3.3 A.4.2 A.4.3 A.4.4 A.4.5 A.4.6 A.5.2 A.5.3 A.5.4 A.5.5
		A.6.1.2 A.6.1.3 A.6.2.2 A.6.2.3 A.6.2.4 A.6.2.5 A.6.2.6 A.6.2.7 A.6.2.8
		A.7.2 A.7.3 A.7.4 A.7.5 A.7.6 A.8.2 A.8.3 A.8.4 A.8.5 A.9.2 A.9.3 A.9.4 A.10.2 A.10.3 A.10.4`)
	c := load(t)
	if d := cmp.Diff(want, c.ControlIDs()); d != "" {
		t.Error(d)
	}
	annex := 0
	for _, ctl := range c.Controls {
		if ctl.Annex() {
			annex++
		}
		got, ok := c.Control(ctl.ID)
		if !ok || got.Title != ctl.Title {
			t.Errorf("Control(%q) does not find it", ctl.ID)
		}
	}
	if annex != 38 || len(want) != 70 {
		t.Errorf("%d Annex A controls of %d; want 38 of 70", annex, len(want))
	}
	for _, id := range []string{"", "4", "6.1", "8.5", "A.5.1", "A.6.1.1", "A.11.2"} {
		if _, ok := c.Control(id); ok {
			t.Errorf("unknown id %q is accepted", id)
		}
	}
}

func TestKinds(t *testing.T) {
	c := load(t)
	vocabulary, err := os.ReadFile("testdata/kinds.txt")
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Fields(string(vocabulary))
	if len(ids) != 118 {
		t.Errorf("the vocabulary has %d kinds; want 118", len(ids))
	}
	for _, id := range ids {
		if _, ok := c.Kind(id); !ok {
			t.Errorf("%s, a kind of the vocabulary, is missing", id)
		}
	}
	// A waiver and the register's other records end when they leave the file;
	// what happened stays.
	for id, want := range map[string]catalog.Nature{
		"waiver.record": catalog.State, "role.assignment": catalog.State, "inventory.ai_system": catalog.State,
		"github.branch_protection": catalog.State, "model_registry.deployment": catalog.State,
		"github.pull_request": catalog.Event, "model_registry.approval": catalog.Event, "github.push": catalog.Event,
	} {
		k, ok := c.Kind(id)
		if !ok || k.Nature != want {
			t.Errorf("%s: nature is not %s", id, want)
		}
	}
	for _, k := range c.Kinds {
		// What is read anew each time must not carry the time of the reading:
		// every reading would be a new revision.
		for _, f := range k.Fields {
			if k.Nature == catalog.State && (f.Name == "fetched_at" || f.Name == "collected_at") {
				t.Errorf("%s: field %s changes with every reading", k.ID, f.Name)
			}
		}
	}
	variants, ok := kind(t, c, "model_registry.deployment").Field("variants")
	if !ok || variants.Type.String() != "list of object" {
		t.Fatalf("variants: %v", variants)
	}
	weight, ok := variants.Type.Elem.Field("weight")
	if !ok || weight.Type.Name != catalog.Number {
		t.Errorf("variants[].weight: %v", weight)
	}
}

func kind(t testing.TB, c *catalog.Catalog, id string) *catalog.Kind {
	t.Helper()
	k, ok := c.Kind(id)
	if !ok {
		t.Fatalf("no kind %s", id)
	}
	return k
}

func TestValidate(t *testing.T) {
	c := load(t)
	for name, tc := range map[string]struct {
		kind, payload string
		want          []string
	}{
		"whole":          {"github.pull_request", `{"files":["a"],"merged_at":"2026-01-02T03:04:05Z","number":7,"repo":"o/r","unknown":{"x":[1]}}`, nil},
		"null is absent": {"github.pull_request", `{"files":null,"merged_at":null,"number":7,"repo":"o/r"}`, nil},
		"required": {"github.pull_request", `{"number":null}`, []string{
			"github.pull_request: repo is missing", "github.pull_request: number is missing"}},
		"every wrong type": {"github.pull_request", `{"draft":"no","files":["a",3,null],"labels":"x","merged_at":"yesterday","number":7.5,"repo":1}`, []string{
			"github.pull_request: draft: want bool, got a string",
			"github.pull_request: files[1]: want string, got a number",
			"github.pull_request: files[2]: want string, got null",
			"github.pull_request: labels: want list, got a string",
			"github.pull_request: merged_at: want a time as RFC 3339, for example 2026-05-01T09:30:00Z",
			"github.pull_request: number: want int, got a number with a fraction or exponent",
			"github.pull_request: repo: want string, got a number"}},
		"within a list": {"model_registry.deployment",
			`{"endpoint_id":"e","platform":"sagemaker","variants":[{"weight":1},{"weight":"1"},4]}`, []string{
				"model_registry.deployment: variants[1].weight: want number, got a string",
				"model_registry.deployment: variants[2]: want object, got a number"}},
		"required within a list": {"inventory.ai_system", `{"repositories":[{"ai_paths":[]}],"system_id":"s"}`, []string{
			"inventory.ai_system: repositories[0]: name is missing"}},
		"map of int":   {"collector.run", `{"counts_by_kind":{"a":1,"b":"2"},"run_id":"r"}`, []string{"collector.run: counts_by_kind{}: want int, got a string"}},
		"date":         {"cloud.log_volume", `{"day":"2026-02-30","deployment":"d"}`, []string{"cloud.log_volume: day: want a date, for example 2026-05-01"}},
		"date or time": {"cloud.log_volume", `{"day":"2026-02-03T00:00:00Z","deployment":"d"}`, nil},
		"anything":     {"jira.issue", `{"custom_fields":{"a":[{"b":null}]},"id":"1","key":"A-1"}`, nil},
		"no object":    {"jira.issue", `["key"]`, []string{"jira.issue: the payload is not a JSON object"}},
		"empty":        {"jira.issue", ``, []string{"jira.issue: the payload is not a JSON object"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, err := range kind(t, c, tc.kind).Validate([]byte(tc.payload)) {
				got = append(got, err.Error())
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// A payload is an API's answer: its content must not come back in an error,
// and it cannot make an error of unlimited size.
func TestValidateErrorsAreHarmless(t *testing.T) {
	k := kind(t, load(t), "jira.issue")
	payload := `{"summary":{"sk-secret":1},"labels":[` + strings.Repeat(`{"sk-secret":2},`, 10000) + `1]}`
	errs := k.Validate([]byte(payload))
	if len(errs) == 0 || len(errs) > 20 || strings.Contains(errors.Join(errs...).Error(), "sk-secret") {
		t.Errorf("%d errors: %.300s", len(errs), errors.Join(errs...))
	}
}

// The digest is that of the content, whatever the layout.
func TestDigest(t *testing.T) {
	files := copyFS(t, config.FS)
	base := loadFS(t, files).Digest
	if base != load(t).Digest || base.IsZero() {
		t.Fatal("the digest is not that of the same content")
	}
	edit(files, "kinds/github.yaml", "family: github\n", "# a comment\n\nfamily:   'github'\n")
	if got := loadFS(t, files).Digest; got != base {
		t.Error("a comment changes the digest")
	}
	edit(files, "kinds/github.yaml", "name: number, type: int", "name: number, type: string")
	if got := loadFS(t, files).Digest; got == base {
		t.Error("another type leaves the digest as it was")
	}
}

func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		file, old, new string
		want           []string
	}{
		"unknown control": {"catalog/iso42001.yaml", "id: '8.4'", "id: '8.5'", []string{
			`there is no control "8.5"`, "these controls are not listed: 8.4"}},
		"control twice":     {"catalog/iso42001.yaml", "id: A.2.4", "id: A.2.3", []string{`"A.2.3" is used twice`}},
		"number as id":      {"catalog/iso42001.yaml", "id: '4.1'", "id: 4.1", []string{"want text, this is a number"}},
		"unknown stage":     {"catalog/iso42001.yaml", "stages: [governance, intake]", "stages: [governance, outtake]", []string{`unknown stage "outtake"`}},
		"unknown type":      {"kinds/jira.yaml", "type: list of string", "type: list of text", []string{`unknown type "text"`}},
		"list of what":      {"kinds/jira.yaml", "type: list of string", "type: list", []string{"list of what?"}},
		"object, no fields": {"kinds/jira.yaml", "name: key, type: string", "name: key, type: object", []string{"an object needs fields"}},
		"fields of text":    {"kinds/jira.yaml", "type: list of object", "type: list of string", []string{"list of string has no fields"}},
		"wrong event time":  {"kinds/jira.yaml", "event_time: created", "event_time: summary", []string{`"summary" is not a field of type time or date`}},
		"event, no time":    {"kinds/jira.yaml", "    event_time: declared_at\n", "", []string{"an event needs the field"}},
		"kind twice":        {"kinds/jira.yaml", "id: jira.approval", "id: jira.incident", []string{`"jira.incident" is used twice`}},
		"other family":      {"kinds/jira.yaml", "id: jira.approval", "id: github.approval", []string{"is not the id of a kind of family jira"}},
		"unknown key":       {"kinds/jira.yaml", "nature: event", "natur: event", []string{`unknown key "natur"`, "did you mean nature?"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := copyFS(t, config.FS)
			if !edit(files, tc.file, tc.old, tc.new) {
				t.Fatalf("%q is not in %s", tc.old, tc.file)
			}
			_, err := catalog.Load(files)
			var ps yamlfile.Problems
			if !errors.As(err, &ps) {
				t.Fatalf("got %v, want Problems", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), tc.file+":") || !strings.Contains(err.Error(), "^") {
					t.Errorf("got\n%v\nwant %q with file and caret", err, want)
				}
			}
		})
	}
}

// Problems of all files come at once.
func TestAllFilesAtOnce(t *testing.T) {
	files := copyFS(t, config.FS)
	edit(files, "kinds/jira.yaml", "nature: event", "nature: often")
	edit(files, "kinds/github.yaml", "strength: design", "strength: weak")
	edit(files, "catalog/iso42001.yaml", "documented: none", "documented: perhaps")
	_, err := catalog.Load(files)
	for _, want := range []string{"kinds/jira.yaml", "kinds/github.yaml", "catalog/iso42001.yaml"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
}

func loadFS(t *testing.T, files fs.FS) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func copyFS(t *testing.T, from fs.FS) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(from, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(from, p)
		out[p] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// edit replaces the first old in a file and reports whether there was one.
func edit(files fstest.MapFS, name, old, new string) bool {
	text := string(files[name].Data)
	files[name] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, new, 1))}
	return strings.Contains(text, old)
}

func BenchmarkValidate(b *testing.B) {
	k := kind(b, load(b), "github.pull_request")
	payload := []byte(`{"author":"ann","author_type":"User","base_ref":"main","created_at":"2026-01-01T03:04:05Z","files":["a/b.go","c/d.go"],"head_sha":"abc","labels":["x"],"merge_commit_sha":"def","merged_at":"2026-01-02T03:04:05Z","merged_by":"bob","number":7,"repo":"o/r","state":"merged","title":"t"}`)
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if errs := k.Validate(payload); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := catalog.Load(config.FS); err != nil {
			b.Fatal(err)
		}
	}
}
