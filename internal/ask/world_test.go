package ask_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/fixture"
)

// now is the instant of the small worlds.
var now = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)

type fields = map[string]any

// maker makes worlds with the expectations that are shipped.
type maker struct {
	eng *assess.Engine
	cat *catalog.Catalog
}

func newMaker(t *testing.T) maker {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(cat, assess.Options{Rules: rules, Trusted: true, Checked: config.Conditions})
	if err != nil {
		t.Fatal(err)
	}
	return maker{eng, cat}
}

// world reads items by one complete run; without any, nothing was ever read.
func (m maker) world(t *testing.T, items ...fixture.Item) *ask.World {
	t.Helper()
	return m.worldAt(t, now, items...)
}

func (m maker) worldAt(t *testing.T, at time.Time, items ...fixture.Item) *ask.World {
	t.Helper()
	st := m.eng.NewState()
	if len(items) > 0 {
		run := evidence.Run{ID: "run-1", StartedAt: at.Add(-2 * time.Hour), FinishedAt: at.Add(-time.Hour), Status: evidence.RunComplete,
			Provenance: evidence.Provenance{Source: "s", Identity: "reader", Method: "api"}, Kinds: map[string]evidence.KindRead{}}
		for _, k := range m.eng.Kinds() {
			run.Kinds[k] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
		}
		st.ApplyRun(run)
	}
	var all []evidence.Evidence
	for i, it := range items {
		if it.Key == "" {
			_, it.Key, _ = strings.Cut(it.Subject, "/")
		}
		e, err := fixture.Seal(m.cat, i, it, at)
		if err != nil {
			t.Fatal(err)
		}
		e.URL = "https://source.example/" + it.Key
		all = append(all, e)
		if err := st.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	a, err := st.At(at, assess.Checkpoint{Size: int64(len(all))})
	if err != nil {
		t.Fatal(err)
	}
	w, err := ask.NewWorld(a, func(yield func(evidence.Evidence, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}, ask.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func system(id, tier string, more fields) fixture.Item {
	p := fields{"system_id": id, "owner": "marek", "risk_tier": tier, "stage": "operate", "in_scope": true, "go_live": "2026-03-01T00:00:00Z",
		"reviewed_at": "2026-07-01T00:00:00Z"}
	for k, v := range more {
		p[k] = v
	}
	return fixture.Item{Kind: "inventory.ai_system", Subject: "ai_system/" + id, Payload: p}
}

func approval(key, system, at string) fixture.Item {
	return fixture.Item{Kind: "inventory.use_case_approval", Subject: "ai_system/" + system, Key: key, Payload: fields{"system_id": system, "request_key": key,
		"tier": "high", "approver": "ines", "approver_role": "ai-risk-committee", "decision": "approved", "decided_at": at}}
}

// answer asks one question about one system.
func answer(t *testing.T, w *ask.World, question, system string) ask.Answer {
	t.Helper()
	q, ok := ask.QuestionNamed(question)
	if !ok {
		t.Fatalf("no question %q", question)
	}
	list := w.Answer(q, system)
	if len(list) != 1 {
		t.Fatalf("%d answers, want 1", len(list))
	}
	a := list[0]
	if len(a.Gaps) == 0 && a.Answered == ask.No {
		t.Errorf("%s: %s, and no gap says why", question, a.Answered)
	}
	return a
}

// fact returns the only fact whose text contains words.
func fact(t *testing.T, a ask.Answer, words string) ask.Fact {
	t.Helper()
	found := facts(a, words)
	if len(found) != 1 {
		t.Fatalf("%d facts say %q, want 1; there are:\n%s", len(found), words, show(a))
	}
	return found[0]
}

func facts(a ask.Answer, words string) []ask.Fact {
	var out []ask.Fact
	for _, p := range a.Parts {
		for _, f := range p.Facts {
			if strings.Contains(f.Text, words) {
				out = append(out, f)
			}
		}
	}
	return out
}

func show(a ask.Answer) string {
	var b strings.Builder
	for _, p := range a.Parts {
		b.WriteString(p.Title + " (" + p.Note + ")\n")
		for _, f := range p.Facts {
			b.WriteString("  " + string(f.Mark) + " " + f.Text + "\n")
		}
	}
	for _, g := range a.Gaps {
		b.WriteString("gap " + g.Expectation + " " + string(g.Status) + ": " + g.Reason + "\n")
	}
	return b.String()
}

// gap returns the status of an expectation's only gap.
func gap(t *testing.T, a ask.Answer, slug string) ask.Gap {
	t.Helper()
	var found []ask.Gap
	for _, g := range a.Gaps {
		if g.Expectation == slug {
			found = append(found, g)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d gaps of %s, want 1; there are:\n%s", len(found), slug, show(a))
	}
	return found[0]
}

func noGap(t *testing.T, a ask.Answer, slug string) {
	t.Helper()
	for _, g := range a.Gaps {
		if g.Expectation == slug {
			t.Errorf("gap of %s: %s %s", slug, g.Status, g.Reason)
		}
	}
}
