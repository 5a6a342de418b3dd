package assess_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// fixture is testdata/rules/<slug>.yaml: what there is in every case, and the
// cases, each with the result it must give for each subject.
type fixture struct {
	Expectation string        `yaml:"expectation,required"`
	AsOf        time.Time     `yaml:"as_of,required"`
	Base        []fixtureItem `yaml:"base"`
	Cases       []fixtureCase `yaml:"cases,required"`
}

type fixtureCase struct {
	Name string            `yaml:"name,required"`
	AsOf *time.Time        `yaml:"as_of"`
	Add  []fixtureItem     `yaml:"add"`  // replaces what has the same kind and key
	Drop []string          `yaml:"drop"` // keys of Base
	Read *fixtureRead      `yaml:"read"` // what the only run claims; default: everything, an hour ago
	Want map[string]string `yaml:"want"` // subject → status, or "status: words of the reason"
}

type fixtureItem struct {
	Kind      string         `yaml:"kind,required"`
	Subject   string         `yaml:"subject,required"` // type/id
	Key       string         `yaml:"key"`              // default: the subject's id
	Collected *time.Time     `yaml:"collected"`
	Gone      *time.Time     `yaml:"gone"`
	Event     *time.Time     `yaml:"event"`  // default: what the payload says
	Method    string         `yaml:"method"` // upload: handed in by a person
	Payload   map[string]any `yaml:"payload"`
}

type fixtureRead struct {
	At      *time.Time        `yaml:"at"`
	Status  string            `yaml:"status"`
	Kinds   map[string]string `yaml:"kinds"` // coverage by kind where it is not complete
	Omitted []string          `yaml:"omitted"`
}

func TestRules(t *testing.T) {
	eng := shipped(t)
	cat := loadCatalog(t)
	paths, err := filepath.Glob("testdata/rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]map[string]bool{}
	for _, path := range paths {
		var fx fixture
		f, err := yamlfile.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Decode(&fx)
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		if outcomes[fx.Expectation] == nil {
			outcomes[fx.Expectation] = map[string]bool{}
		}
		for _, c := range fx.Cases {
			t.Run(fx.Expectation+"/"+strings.ReplaceAll(c.Name, " ", "-"), func(t *testing.T) {
				runFixture(t, eng, cat, fx, c, outcomes[fx.Expectation])
			})
		}
	}
	for _, e := range eng.Expectations() {
		got := outcomes[e.Slug]
		if !got["satisfied"] || !got["failing"] && !got["missing"] {
			t.Errorf("%s has no fixture that satisfies it and one that does not", e.Slug)
		}
	}
}

func runFixture(t *testing.T, eng *assess.Engine, cat *catalog.Catalog, fx fixture, c fixtureCase, seen map[string]bool) {
	asOf := fx.AsOf
	if c.AsOf != nil {
		asOf = *c.AsOf
	}
	s := eng.NewState()
	s.ApplyRun(fixtureRun(eng, asOf, c.Read))
	for i, it := range fixtureItems(fx.Base, c) {
		if it.Method != "" {
			s.ApplyRun(evidence.Run{ID: "by-" + it.Method, StartedAt: asOf.Add(-3 * time.Hour), FinishedAt: asOf.Add(-2 * time.Hour),
				Status: evidence.RunComplete, Provenance: evidence.Provenance{Source: "form", Method: it.Method}})
		}
		if err := s.Apply(fixtureEvidence(t, cat, i, it, asOf)); err != nil {
			t.Fatal(err)
		}
	}
	a, err := s.At(asOf, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*assess.Result{}
	for _, r := range a.Results {
		if r.Expectation == fx.Expectation {
			got[r.Subject.Type+"/"+r.Subject.ID] = r
			seen[string(r.Status)] = true
		}
	}
	for subject, want := range c.Want {
		r := got[subject]
		if r == nil {
			t.Errorf("no result for %s; there are %v", subject, describeResults(got))
			continue
		}
		status, words, _ := strings.Cut(want, ": ")
		if string(r.Status) != status || !strings.Contains(r.Reason, words) {
			t.Errorf("%s:\n got %s: %s\nwant %s", subject, r.Status, r.Reason, want)
		}
		delete(got, subject)
	}
	if len(got) > 0 {
		t.Errorf("results nobody asked for: %v", describeResults(got))
	}
}

func describeResults(m map[string]*assess.Result) []string {
	var out []string
	for k, r := range m {
		out = append(out, fmt.Sprintf("%s %s (%s)", k, r.Status, r.Reason))
	}
	slices.Sort(out)
	return out
}

func fixtureItems(base []fixtureItem, c fixtureCase) []fixtureItem {
	key := func(it fixtureItem) string {
		if it.Key != "" {
			return it.Key
		}
		_, id, _ := strings.Cut(it.Subject, "/")
		return id
	}
	var out []fixtureItem
	for _, it := range base {
		replaced := slices.ContainsFunc(c.Add, func(a fixtureItem) bool { return a.Kind == it.Kind && key(a) == key(it) })
		if !replaced && !slices.Contains(c.Drop, key(it)) {
			it.Key = key(it)
			out = append(out, it)
		}
	}
	for _, it := range c.Add {
		it.Key = key(it)
		out = append(out, it)
	}
	return out
}

func fixtureRun(eng *assess.Engine, asOf time.Time, read *fixtureRead) evidence.Run {
	if read == nil {
		read = &fixtureRead{}
	}
	at := asOf.Add(-time.Hour)
	if read.At != nil {
		at = *read.At
	}
	r := evidence.Run{ID: "run-1", StartedAt: at.Add(-time.Hour), FinishedAt: at, Status: evidence.RunComplete,
		Provenance: evidence.Provenance{Source: "s", Identity: "reader", Method: "api"}, Kinds: map[string]evidence.KindRead{}}
	if read.Status != "" {
		r.Status = evidence.RunStatus(read.Status)
	}
	for _, k := range eng.Kinds() {
		if slices.Contains(read.Omitted, k) {
			continue
		}
		coverage := "complete"
		if c, ok := read.Kinds[k]; ok {
			coverage = c
		}
		r.Kinds[k] = evidence.KindRead{Coverage: coverage, Enumerated: true, IndependentCount: -1}
	}
	return r
}

func fixtureEvidence(t *testing.T, cat *catalog.Catalog, i int, it fixtureItem, asOf time.Time) evidence.Evidence {
	t.Helper()
	k, ok := cat.Kind(it.Kind)
	if !ok {
		t.Fatalf("no kind %s", it.Kind)
	}
	payload, err := json.Marshal(midnight(it.Payload))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range k.Validate(payload) {
		t.Fatalf("%s %s: %v", it.Kind, it.Key, err)
	}
	for name := range it.Payload {
		if _, ok := k.Field(name); !ok {
			t.Fatalf("%s has no field %s", it.Kind, name)
		}
	}
	subjectType, id, _ := strings.Cut(it.Subject, "/")
	e := evidence.Evidence{Seq: int64(i + 1), Digest: evidence.Sum(fmt.Appendf(nil, "%s %s", it.Kind, it.Key)), Run: "run-1", Source: "s",
		Kind: it.Kind, Major: 1, Subject: evidence.Subject{Type: subjectType, ID: id}, Key: it.Key, Revision: 1,
		CollectedAt: asOf.Add(-90 * time.Minute), PayloadSum: evidence.Sum(payload), Payload: payload}
	if it.Collected != nil {
		e.CollectedAt = *it.Collected
	}
	if it.Method != "" {
		e.Run = "by-" + it.Method
	}
	if it.Gone != nil {
		e.GoneAt = *it.Gone
		if it.Collected == nil && !e.CollectedAt.Before(e.GoneAt) { // it was read while it was there
			e.CollectedAt = e.GoneAt.Add(-time.Minute)
		}
	}
	if it.Event != nil {
		e.EventTime = *it.Event
	} else if text, ok := it.Payload[k.EventTime].(string); ok && k.EventTime != "" {
		if e.EventTime, err = yamlfile.ParseTime(text); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// TestNoStrayFixtures keeps testdata free of files that nothing reads.
func TestNoStrayFixtures(t *testing.T) {
	slugs := map[string]bool{}
	for _, e := range shipped(t).Expectations() {
		slugs[e.Slug] = true
	}
	files, err := os.ReadDir("testdata/rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".yaml"); !ok || !slugs[name] {
			t.Errorf("testdata/rules/%s belongs to no expectation", f.Name())
		}
	}
}

var dayForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

// midnight lets fixtures write a day where a time is wanted.
func midnight(v any) any {
	switch v := v.(type) {
	case string:
		if dayForm.MatchString(v) {
			return v + "T00:00:00Z"
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = midnight(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k := range v {
			out[k] = midnight(v[k])
		}
		return out
	}
	return v
}
