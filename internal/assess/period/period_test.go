package period_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/assess/period"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// ruleFiles are two expectations: about a state, and about events.
func ruleFiles() fstest.MapFS {
	return fstest.MapFS{"A.3.2.yaml": {Data: []byte(`control: A.3.2
expectations:
  - slug: owner-active
    version: 1
    title: The owner is active
    statement: Whoever holds a role is still there.
    per: person
    population: {kind: role.assignment, as: holder}
    checks:
      - that: holder.directory_active
        because: "'has left'"
    freshness: {mode: state, collection_max_age: 10d}
    severity: major
    strength: existence
    automation: full
    cause: owner
    remedy: Name somebody else.
`)}, "A.8.4.yaml": {Data: []byte(`control: A.8.4
expectations:
  - slug: incident-answered
    version: 1
    title: Incidents are answered
    statement: An incident is resolved in time.
    per: incident
    population: {kind: jira.incident, as: incident}
    duty:
      within: 2d
      answered: has(incident.resolved_at)
      answered_at: incident.resolved_at
      because: "'not resolved'"
    freshness: {mode: per_event, lookback: 365d, collection_max_age: 10d}
    severity: major
    strength: operation
    automation: full
    cause: control
    remedy: Resolve it.
`)}}
}

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func on(day, hour int) time.Time {
	return monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
}

type world struct {
	t   *testing.T
	st  *assess.State
	seq int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(cat, assess.Options{Rules: ruleFiles()})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, st: eng.NewState()}
}

func (w *world) run(at time.Time, kinds ...string) {
	r := evidence.Run{ID: "run-" + at.Format("0102T1504"), StartedAt: at.Add(-time.Minute), FinishedAt: at, Status: evidence.RunComplete,
		Provenance: evidence.Provenance{Source: "s"}, Kinds: map[string]evidence.KindRead{}}
	for _, k := range kinds {
		r.Kinds[k] = evidence.KindRead{Coverage: "complete", IndependentCount: -1}
	}
	w.st.ApplyRun(r)
}

func (w *world) item(kind, subjectType, id string, event, read time.Time, payload string) {
	w.t.Helper()
	w.seq++
	err := w.st.Apply(evidence.Evidence{Seq: w.seq, Digest: evidence.Sum(fmt.Appendf(nil, "%d", w.seq)), Run: "r", Source: "s", Kind: kind, Major: 1,
		Subject: evidence.Subject{Type: subjectType, ID: id}, Key: id, Revision: 1, EventTime: event, CollectedAt: read, Payload: []byte(payload)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) of(o period.Options) *period.Period {
	w.t.Helper()
	p, err := period.Of(w.st, assess.Checkpoint{}, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func record(t *testing.T, p *period.Period, slug, id string) *period.Record {
	t.Helper()
	for _, r := range p.Records {
		if r.Expectation == slug && r.Subject.ID == id {
			return r
		}
	}
	t.Fatalf("no record of %s for %s", slug, id)
	return nil
}

// TestStateCountsOnlyWhereItWasRead: Monday to Sunday; the role was read on
// Monday, Tuesday and Friday, and ann was found to have left on Friday.
func TestStateCountsOnlyWhereItWasRead(t *testing.T) {
	w := newWorld(t)
	const kind = "role.assignment"
	w.item(kind, "person", "ann", time.Time{}, on(0, 9), `{"role":"owner","person":"ann","directory_active":true}`)
	w.item(kind, "person", "bob", time.Time{}, on(0, 9), `{"role":"owner","person":"bob","directory_active":true}`)
	w.item(kind, "person", "ann", time.Time{}, on(4, 9), `{"role":"owner","person":"ann","directory_active":false}`)
	for _, day := range []int{0, 1, 4} {
		w.run(on(day, 10), kind)
	}
	p := w.of(period.Options{From: on(0, 10), To: on(6, 23)})
	if p.Days != 7 {
		t.Errorf("%d days", p.Days)
	}
	bob := record(t, p, "owner-active", "bob")
	if want := (period.Days{Total: 7, Satisfied: 3, NotRead: 4}); bob.Days != want {
		t.Errorf("bob: %+v, want %+v", bob.Days, want)
	}
	if len(bob.Intervals) != 1 || bob.Intervals[0].Until != nil {
		t.Errorf("bob: %+v", bob.Intervals)
	}
	ann := record(t, p, "owner-active", "ann")
	if want := (period.Days{Total: 7, Satisfied: 2, NotRead: 2, NotSatisfied: 3}); ann.Days != want {
		t.Errorf("ann: %+v, want %+v", ann.Days, want)
	}
	if len(ann.Intervals) != 2 || ann.Intervals[0].Gap() || !ann.Intervals[1].Gap() || ann.Intervals[1].Reason != "has left" ||
		!ann.Intervals[1].From.Equal(on(4, 10)) || !ann.Intervals[0].Until.Equal(on(4, 10)) {
		t.Errorf("ann: %+v", ann.Intervals)
	}
	i := slices.IndexFunc(p.Controls, func(c period.Control) bool { return c.ID == "A.3.2" })
	if c := p.Controls[i]; c.Days != ann.Days || c.Gaps != 1 || c.First != nil {
		t.Errorf("A.3.2: %+v", c)
	}
	r := p.Reads[slices.IndexFunc(p.Reads, func(r period.Reads) bool { return r.Kind == kind })]
	want := []period.Span{{From: "2026-03-04", To: "2026-03-05", Days: 2}, {From: "2026-03-07", To: "2026-03-08", Days: 2}}
	if r.Read != 3 || r.Count != 3 || !slices.Equal(r.Unread, want) {
		t.Errorf("reads: %+v", r)
	}
}

// incidents reads everything on day 40 only.
func incidents(w *world, days ...int) {
	for _, d := range days {
		w.item("jira.incident", "incident", fmt.Sprintf("INC-%d", d), on(d, 8), on(40, 9),
			fmt.Sprintf(`{"key":"INC-%d","declared_at":%q,"resolved_at":%q}`, d, on(d, 8).Format(time.RFC3339), on(d, 9).Format(time.RFC3339)))
	}
	w.run(on(40, 10), "jira.incident")
}

func TestLateness(t *testing.T) {
	w := newWorld(t)
	item := func(id string, resolved string) {
		w.item("jira.incident", "incident", id, on(1, 8), on(9, 9), fmt.Sprintf(`{"key":%q,"declared_at":%q%s}`, id, on(1, 8).Format(time.RFC3339), resolved))
	}
	item("IN-TIME", `,"resolved_at":"2026-03-05T08:00:00Z"`)
	item("A-SECOND-LATE", `,"resolved_at":"2026-03-05T08:00:01Z"`)
	item("LATE", `,"resolved_at":"2026-03-06T10:00:00Z"`)
	item("OPEN", ``)
	w.run(on(9, 10), "jira.incident")
	p := w.of(period.Options{From: on(0, 0), To: on(10, 8)})
	for id, want := range map[string]string{"IN-TIME": "", "A-SECOND-LATE": "1s", "LATE": "1d2h", "OPEN": "7d"} {
		d := record(t, p, "incident-answered", id).Duty
		if d == nil && want != "" || d != nil && d.Late != want {
			t.Errorf("%s: %+v, want %q", id, d, want)
		}
		if d != nil && (d.AnsweredAt == nil) != (id == "OPEN") {
			t.Errorf("%s: answered at %v", id, d.AnsweredAt)
		}
	}
	c := record(t, p, "incident-answered", "IN-TIME").Captured
	if c == nil || c.Count != 1 || c.Worst != "8d1h" {
		t.Errorf("late capture: %+v", c)
	}
	if d := record(t, w.of(period.Options{From: on(0, 0), To: on(25, 8)}), "incident-answered", "OPEN").Duty; d != nil {
		t.Errorf("nobody has looked for two weeks, and %+v", d)
	}
	p = w.of(period.Options{From: on(0, 0), To: on(10, 8), LateAfter: 8*24*time.Hour + time.Hour})
	if c := record(t, p, "incident-answered", "IN-TIME").Captured; c != nil {
		t.Errorf("at the threshold: %+v", c)
	}
	i := slices.IndexFunc(p.Controls, func(c period.Control) bool { return c.ID == "A.8.4" })
	if c := p.Controls[i]; c.Late != 3 || c.Events != (period.Events{Total: 4, Satisfied: 1}) || c.First == nil || !c.First.At.Equal(on(1, 8)) {
		t.Errorf("A.8.4: %+v", c)
	}
}

// TestClustering: what all happened, or was all read, in one week is named.
func TestClustering(t *testing.T) {
	for name, c := range map[string]struct {
		days []int
		from int
		want string
	}{
		"all in one week":          {[]int{20, 22, 27}, 0, "all 3 events of the period lie in one week, 2026-03-22 to 2026-03-29"},
		"an hour more than a week": {[]int{1, 20, 28}, 0, "all 3 events of the period were first read in one week, 2026-04-11 to 2026-04-11"},
		"too few to say":           {[]int{20, 22}, 0, ""},
		"a short period":           {[]int{20, 22, 25}, 14, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			incidents(w, c.days...)
			p := w.of(period.Options{From: on(c.from, 0), To: on(41, 0)})
			i := slices.IndexFunc(p.Controls, func(c period.Control) bool { return c.ID == "A.8.4" })
			if got := strings.Join(p.Controls[i].Notes, "; "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestManyRuns: where runs end more often than instants can be looked at, day
// ends remain and the resolution says what was left out.
func TestManyRuns(t *testing.T) {
	w := newWorld(t)
	w.item("role.assignment", "person", "ann", time.Time{}, on(0, 0), `{"role":"owner","person":"ann","directory_active":true}`)
	for i := range 10 * 24 * 4 {
		w.run(on(0, 1).Add(time.Duration(i)*15*time.Minute), "role.assignment")
	}
	all := w.of(period.Options{From: on(0, 0), To: on(10, 0)})
	few := w.of(period.Options{From: on(0, 0), To: on(10, 0), MaxInstants: 100})
	if all.Instants < 900 || !strings.Contains(all.Resolution, "the end of each of 956 runs") {
		t.Errorf("%d instants: %s", all.Instants, all.Resolution)
	}
	if few.Instants > 100 || !strings.Contains(few.Resolution, "of 956 runs, the end of the last in each 3h0m0s") {
		t.Errorf("%d instants: %s", few.Instants, few.Resolution)
	}
	if a, b := record(t, all, "owner-active", "ann").Days, record(t, few, "owner-active", "ann").Days; a.Total != b.Total {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestNoSpan(t *testing.T) {
	w := newWorld(t)
	for _, o := range []period.Options{{}, {From: on(1, 0), To: on(1, 0)}, {From: on(2, 0), To: on(1, 0)}} {
		if _, err := period.Of(w.st, assess.Checkpoint{}, o); err == nil {
			t.Errorf("%+v is a span", o)
		}
	}
	if p := w.of(period.Options{From: on(0, 0), To: on(1, 0)}); len(p.Records) == 0 {
		t.Error("nothing is known, and nothing is said")
	}
}
