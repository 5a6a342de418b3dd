package assess_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/fixture"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// allowed is how much more a rule may take for twice the records.
const allowed = 2.6

// TestCostIsLinear: for twice the ledger, no rule takes more than 2.6 times the
// steps.
func TestCostIsLinear(t *testing.T) {
	eng := compiled(t, assess.Options{})
	small, large := newLedger(8_000), newLedger(16_000)
	a, b := eng.NewState(), eng.NewState()
	small.load(t, eng, a)
	large.load(t, eng, b)
	for _, e := range eng.Expectations() {
		once, twice := a.Steps(e.Slug, small.end), b.Steps(e.Slug, large.end)
		if float64(twice) > allowed*float64(once)+1000 {
			t.Errorf("%s: %d steps for %d records, %d for %d", e.Slug, once, small.size, twice, large.size)
		}
	}
}

// TestCostOfMoreRecords: with twice the records of a kind that grows with use,
// a rule whose subjects are others takes no more than 2.6 times the steps. The
// records are those of the rule's own cases, each many times over, so that the
// conditions get to their ends.
func TestCostOfMoreRecords(t *testing.T) {
	grows := []string{"vendor.usage", "oversight.human_decision", "cloud.audit_event", "monitoring.metric_series", "collector.run",
		"github.pull_request", "github.push", "jira.issue_transition", "training.completion", "vendor.audit_log"}
	eng, cat := compiled(t, assess.Options{}), loadCatalog(t)
	measured := 0
	for _, e := range eng.Expectations() {
		f := casesOf(t, e.Slug)
		for _, c := range telling(f) {
			items := itemsOf(f, c)
			for _, kind := range kindsIn(items) {
				if !slices.Contains(grows, kind) {
					continue
				}
				measured++
				once := stepsWith(t, eng, cat, f, items, e.Slug, kind, 40)
				twice := stepsWith(t, eng, cat, f, items, e.Slug, kind, 80)
				if float64(twice) > allowed*float64(once) {
					t.Errorf("%s, %q: %d steps with 40 times its %s, %d with 80 times", e.Slug, c.Name, once, kind, twice)
				}
			}
		}
	}
	if measured < 20 {
		t.Errorf("%d measured, want at least 20", measured)
	}
}

// TestCostOfCases: twice the systems with twice the cases of the scan, each
// closed by one of them, take no more than 2.6 times the steps.
func TestCostOfCases(t *testing.T) {
	eng, cat := compiled(t, assess.Options{}), loadCatalog(t)
	asOf := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, slug := range []string{"ai-system-inventory-complete", "approved-use-only"} {
		once, twice := casesOfSystems(t, eng, cat, asOf, 200).Steps(slug, asOf), casesOfSystems(t, eng, cat, asOf, 400).Steps(slug, asOf)
		if float64(twice) > allowed*float64(once) {
			t.Errorf("%s: %d steps for 200 systems with ten cases each, %d for 400", slug, once, twice)
		}
	}
}

// casesOfSystems holds systems, each with ten cases of the scan and a vendor's
// key, half of which belong to no system.
func casesOfSystems(t testing.TB, eng *assess.Engine, cat *catalog.Catalog, asOf time.Time, systems int) *assess.State {
	s := eng.NewState()
	s.ApplyRun(readAll(eng, asOf))
	n := 0
	apply := func(it fixture.Item) {
		n++
		e, err := fixture.Seal(cat, n, it, asOf)
		if err != nil {
			t.Fatal(err)
		}
		e.Run, e.Key = "r1", fmt.Sprint("k", n)
		if err := s.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	for i := range systems {
		id := fmt.Sprint("system-", i)
		apply(fixture.Item{Kind: "inventory.ai_system", Subject: "ai_system/" + id, Payload: map[string]any{"system_id": id, "owner": "ann",
			"cloud_refs": []any{"project-" + id}, "vendors": []any{[]string{"v-", "w-"}[i%2] + id}}})
		apply(fixture.Item{Kind: "vendor.api_key_inventory", Subject: "vendor/v-" + id, Payload: map[string]any{"key_id": "key-" + id, "vendor": "v-" + id,
			"project_or_workspace": "other-" + id}})
		for k := range 10 {
			apply(fixture.Item{Kind: "shadow_ai.finding", Subject: "ai_system/" + id, Payload: map[string]any{"finding_id": fmt.Sprint("F-", i, "-", k),
				"status": "registered", "systems": []any{id}, "subject_ref": fmt.Sprint("place-", i, "-", k)}})
		}
	}
	return s
}

func casesOf(t *testing.T, slug string) *fixture.File {
	t.Helper()
	yf, err := yamlfile.ReadFS(config.FS, "fixtures/"+slug+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := fixture.Parse(yf)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// telling gives a case in which all is well and one in which something is not.
func telling(f *fixture.File) []fixture.Case {
	var out []fixture.Case
	for _, status := range []string{"satisfied", "failing"} {
		at := slices.IndexFunc(f.Cases, func(c fixture.Case) bool {
			for _, want := range c.Want {
				if !strings.HasPrefix(want, status) {
					return false
				}
			}
			return c.Read == nil && len(c.Want) > 0
		})
		if at >= 0 {
			out = append(out, f.Cases[at])
		}
	}
	return out
}

func itemsOf(f *fixture.File, c fixture.Case) []fixture.Item {
	var out []fixture.Item
	for _, it := range f.Base {
		_, id, _ := strings.Cut(it.Subject, "/")
		replaced := slices.ContainsFunc(c.Add, func(a fixture.Item) bool {
			return a.Kind == it.Kind && a.Subject == it.Subject && a.Key == it.Key
		})
		if !replaced && !slices.Contains(c.Drop, it.Key) && !slices.Contains(c.Drop, id) {
			out = append(out, it)
		}
	}
	return append(out, c.Add...)
}

func kindsIn(items []fixture.Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.Kind)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// stepsWith counts the steps of a rule when each record of a kind is there
// many times, under keys of its own.
func stepsWith(t *testing.T, eng *assess.Engine, cat *catalog.Catalog, f *fixture.File, items []fixture.Item, slug, kind string, times int) int64 {
	t.Helper()
	s, n := eng.NewState(), 0
	s.ApplyRun(readAll(eng, f.AsOf))
	for _, it := range items {
		if it.Key == "" {
			_, it.Key, _ = strings.Cut(it.Subject, "/")
		}
		e, err := fixture.Seal(cat, n, it, f.AsOf)
		if err != nil {
			t.Fatal(err)
		}
		copies := 1
		if it.Kind == kind {
			copies = times
		}
		for i := range copies {
			n++
			e.Seq, e.Run, e.Key = int64(n), "r1", it.Key+fmt.Sprintf("~%d", i)
			if err := s.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s.Steps(slug, f.AsOf)
}

func readAll(eng *assess.Engine, at time.Time) evidence.Run {
	return newWorld(eng).run(eng, "r1", at.Add(-time.Hour))
}

// TestEveryRuleHasCases keeps the tests above from passing over a rule.
func TestEveryRuleHasCases(t *testing.T) {
	for _, e := range compiled(t, assess.Options{}).Expectations() {
		if _, err := fs.Stat(config.FS, "fixtures/"+e.Slug+".yaml"); err != nil {
			t.Error(err)
		} else if len(telling(casesOf(t, e.Slug))) == 0 {
			t.Errorf("%s: no case that the cost can be measured with", e.Slug)
		}
	}
}
