package assess_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestRefused holds every testdata/refused/*.yaml against the message that it
// must give: all problems at once, each with its place.
func TestRefused(t *testing.T) {
	cat := loadCatalog(t)
	paths, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := problemsOf(t, cat, name+".yaml", src)
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), strings.TrimSpace(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func problemsOf(t *testing.T, cat catalogOf, name string, src []byte) string {
	t.Helper()
	f, err := yamlfile.Parse(name, src)
	if err != nil {
		return err.Error()
	}
	_, err = assess.Compile(cat, assess.Options{Files: []*yamlfile.File{f}})
	if err == nil {
		t.Fatal("the file was accepted")
	}
	var ps yamlfile.Problems
	if !errors.As(err, &ps) {
		t.Fatalf("not a list of problems: %v", err)
	}
	return err.Error()
}

// rule is a file with one expectation, as small as they get.
func rule(replace ...string) []byte {
	src := `control: A.6.2.5
expectations:
  - slug: own-rule
    version: 1
    title: Own rule
    statement: Something is so.
    severity: minor
    strength: operation
    automation: full
    per: change
    population:
      kind: github.pull_request
      as: change
    params: {limit: 3, within: 14d, names: [a, b]}
    freshness: {mode: state, collection_max_age: 2d}
    checks:
      - that: change.number > params.limit
        because: '"number " + string(change.number)'
    remedy: Do it.
`
	return []byte(strings.NewReplacer(replace...).Replace(src))
}

func parsed(t testing.TB, src []byte) *yamlfile.File {
	t.Helper()
	f, err := yamlfile.Parse("own.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOwnRulesAndOverrides(t *testing.T) {
	cat := loadCatalog(t)
	find := func(eng *assess.Engine, slug string) *assess.Expectation {
		for _, e := range eng.Expectations() {
			if e.Slug == slug {
				return e
			}
		}
		return nil
	}
	eng, err := assess.Compile(cat, assess.Options{Files: []*yamlfile.File{
		parsed(t, []byte("overrides:\n  own-rule:\n    params: {limit: 5}\n    severity: major\n    collection_max_age: 9d\n")),
		parsed(t, rule()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	e := find(eng, "own-rule")
	if e.Params["limit"] != int64(5) || e.Severity != "major" || e.Freshness.CollectionMaxAge.Hours() != 216 {
		t.Errorf("not overridden: %v %s %s", e.Params, e.Severity, e.Freshness.CollectionMaxAge)
	}

	// A file of the user's replaces what is shipped.
	base := compiled(t, assess.Options{})
	own := compiled(t, assess.Options{Files: []*yamlfile.File{parsed(t, rule("own-rule", "release-change-approved", "Own rule", "Ours"))}})
	if got := find(own, "release-change-approved").Title; got != "Ours" {
		t.Errorf("title %q", got)
	}
	if len(own.Expectations()) != len(base.Expectations()) {
		t.Errorf("%d expectations, want %d", len(own.Expectations()), len(base.Expectations()))
	}
}

// TestDigestCoversRules: a threshold changes the digest that a verdict names;
// a comment does not.
func TestDigestCoversRules(t *testing.T) {
	digest := func(files ...*yamlfile.File) string {
		eng := compiled(t, assess.Options{Files: files})
		a, err := eng.NewState().At(storyStart, assess.Checkpoint{})
		if err != nil {
			t.Fatal(err)
		}
		return a.Catalog.Digest.String()
	}
	base := digest(parsed(t, rule()))
	if got := digest(parsed(t, rule("control:", "# a comment\ncontrol:"))); got != base {
		t.Error("a comment changes the digest")
	}
	for name, f := range map[string]*yamlfile.File{
		"param":     parsed(t, rule("limit: 3", "limit: 4")),
		"condition": parsed(t, rule("number >", "number >=")),
		"age":       parsed(t, rule("2d", "3d")),
		"severity":  parsed(t, rule("minor", "major")),
	} {
		if digest(f) == base {
			t.Errorf("another %s gives the same digest", name)
		}
	}
}

// TestCostLimit: a condition whose loops are few enough to be loaded, and which
// over long lists would run for minutes, is stopped and makes the result
// not_assessed.
func TestCostLimit(t *testing.T) {
	const slow = `'change.files.all(a, change.files.all(b, a + b != ""))'`
	eng := compiled(t, assess.Options{Rules: emptyRules(), Files: []*yamlfile.File{parsed(t, rule("change.number > params.limit", slow))}})
	s := eng.NewState()
	w := newWorld(eng)
	w.item(t, "github.pull_request", "change/x#1", `{"repo":"x","number":1,"files":["`+strings.Repeat(`f","`, 3000)+`f"]}`)
	w.load(t, s)
	a, err := s.At(w.at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, r := range a.Results {
		seen = seen || r.Expectation == "own-rule"
		if r.Expectation == "own-rule" && (r.Status != assess.StatusNotAssessed || !strings.Contains(r.Reason, "cost limit")) {
			t.Errorf("%s: %s", r.Status, r.Reason)
		}
	}
	if !seen {
		t.Error("no result")
	}
}

// FuzzLoad: no file makes the loader crash, and whatever it accepts can assess.
func FuzzLoad(f *testing.F) {
	f.Add(rule())
	f.Add(rule("mode: state", "mode: per_event, lookback: 30d"))
	f.Add(rule("change.number > params.limit", "change.files.exists(f, f.matches('(a+)+$'))"))
	f.Add([]byte("overrides: {x: {params: {a: 1}}}"))
	f.Add([]byte("control: '4.1'\nexpectations: [{slug: a, population: [{kind: organization}], uses: {a: {kind: b}}}]"))
	cat := loadCatalog(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := yamlfile.Parse("fuzz.yaml", src)
		if err != nil {
			return
		}
		eng, err := assess.Compile(cat, assess.Options{Files: []*yamlfile.File{file}})
		if err != nil {
			return
		}
		s := eng.NewState()
		w := newWorld(eng)
		w.item(t, "github.pull_request", "change/x#1", `{"repo":"x","number":1,"files":["a"],"merged_at":"2026-03-01T00:00:00Z"}`)
		w.load(t, s)
		if _, err := s.At(w.at, assess.Checkpoint{}); err != nil {
			t.Fatal(err)
		}
	})
}
