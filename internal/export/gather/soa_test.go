package gather_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// ruled is an organisation whose statements of applicability are judged by the
// shipped rules.
type ruled struct {
	engine *assess.Engine
	key    *ledger.Key
	annex  []string
}

func newRuled(t *testing.T) *ruled {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	r := &ruled{}
	if r.engine, err = assess.Compile(cat, assess.Options{Rules: rules, Trusted: true, Checked: config.Conditions}); err != nil {
		t.Fatal(err)
	}
	if r.key, err = ledger.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	for _, c := range cat.Controls {
		if c.Annex() {
			r.annex = append(r.annex, c.ID)
		}
	}
	return r
}

// soa is the statement of a world of records, each read on its day, at the end
// of a day. Every kind was read whole each time.
func (r *ruled) soa(t *testing.T, asOf int, records map[int][]evidence.Record) (*export.SoA, *export.Snapshot) {
	t.Helper()
	st := memory.New(r.key.Signer(), func() time.Time { return at(asOf) })
	var days []int
	for d := range records {
		days = append(days, d)
	}
	slices.Sort(days)
	for _, d := range days {
		readAll(t, st, fmt.Sprintf("run %d", d), d, records[d])
	}
	a, err := evaluate.New(r.engine, st).At(t.Context(), at(asOf))
	if err != nil {
		t.Fatal(err)
	}
	note, err := st.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := gather.Snapshot(t.Context(), st, r.engine, a, gather.Request{Organisation: "Acme", PublicKey: r.key.Public(), Checkpoint: note})
	if err != nil {
		t.Fatal(err)
	}
	r.agrees(t, s)
	return s.SoA, s
}

// readAll makes a run that read every kind that the search for contradictions
// looks at, whole.
func readAll(t *testing.T, st store.Store, id string, n int, records []evidence.Record) {
	t.Helper()
	run := evidence.Run{ID: id, Provenance: evidence.Provenance{Source: "register", Connector: "register"}, StartedAt: at(n).Add(-time.Hour)}
	closed := run
	closed.FinishedAt, closed.Status, closed.Kinds = at(n), evidence.RunComplete, map[string]evidence.KindRead{}
	for _, kind := range []string{"inventory.ai_system", "vendor.record", "inventory.dataset", "external.report", "soa.record"} {
		closed.Kinds[kind] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
	}
	for i := range records {
		records[i].CollectedAt = at(n)
	}
	for _, b := range []store.Batch{{Open: &run}, {Run: id, Records: records},
		{Run: id, Close: &store.RunClose{Run: closed, Seen: func(string, string, string) bool { return true }}}} {
		if _, err := st.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// agrees: a control is out in the document exactly where the assessment leaves
// it out, and every row is one of the catalog's or stands after them.
func (r *ruled) agrees(t *testing.T, s *export.Snapshot) {
	t.Helper()
	if s.SoA == nil {
		return
	}
	out := map[string]bool{}
	for _, c := range s.Assessment.Controls {
		out[c.ID] = !c.Applicable
	}
	for i, row := range s.SoA.Rows {
		if i < len(r.annex) && row.ID != r.annex[i] {
			t.Errorf("row %d is %s, want %s", i, row.ID, r.annex[i])
		}
		excluded := s.SoA.ApprovedBy != "" && row.Applicable != nil && !*row.Applicable && strings.TrimSpace(row.Reason) != ""
		if slices.Contains(r.annex, row.ID) && excluded != out[row.ID] {
			t.Errorf("%s: excluded %v in the statement, %v in the assessment", row.ID, excluded, out[row.ID])
		}
	}
}

// version is a statement that includes every control but those that are given
// with a decision of their own.
func (r *ruled) version(v, rest string, other map[string]string) evidence.Record {
	var list []string
	for _, id := range r.annex {
		d, ok := other[id]
		switch {
		case !ok:
			list = append(list, `{"id":"`+id+`","applicable":true,"justification":"needed"}`)
		case d != "":
			list = append(list, d)
		}
	}
	if more := other["more"]; more != "" {
		list = append(list, more)
	}
	return record("soa.record", "organization", v, `{"version":"`+v+`","controls":[`+strings.Join(list, ",")+`]`+rest+`}`)
}

func approved(by string, day int) string {
	return fmt.Sprintf(`,"proposed_by":"marek","approved_by":%q,"approved_at":%q`, by, at(day).Format(time.RFC3339))
}

func rowOf(t *testing.T, s *export.SoA, id string) export.SoARow {
	t.Helper()
	i := slices.IndexFunc(s.Rows, func(r export.SoARow) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("no row %s", id)
	}
	return s.Rows[i]
}

func remarked(t *testing.T, s *export.SoA, want ...string) {
	t.Helper()
	all := strings.Join(s.Remarks, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("not remarked: %q in %q", w, s.Remarks)
		}
	}
}

func TestStatementInForce(t *testing.T) {
	r := newRuled(t)
	if got, _ := r.soa(t, 5, map[int][]evidence.Record{0: {record("inventory.ai_system", "ai_system", "s", `{"system_id":"s"}`)}}); got != nil {
		t.Errorf("made from nothing: %+v", got)
	}
	v1 := r.version("1", approved("ines", 1), map[string]string{
		"A.10.4": `{"id":"A.10.4","applicable":false,"justification":"no customer","source_of_need":"none","implemented_since":"Q1"}`,
		"A.5.2":  `{"id":"A.5.2","applicable":true,"justification":"law","source_of_need":"AI Act","implementation":"implemented","implemented_since":"2025-03-01"}`})
	draft := r.version("2", `,"proposed_by":"marek","proposed_at":"2026-06-06T00:00:00Z"`, map[string]string{
		"A.10.4": `{"id":"A.10.4","applicable":true,"justification":"one customer came"}`})
	v2 := r.version("2", approved("ines", 10), map[string]string{
		"A.10.4": `{"id":"A.10.4","applicable":true,"justification":"one customer came"}`})
	world := map[int][]evidence.Record{2: {v1}, 5: {draft}, 10: {v2}}

	early, snap := r.soa(t, 7, world)
	if early.Version != "1" || early.ApprovedBy != "ines" || !early.ApprovedAt.Equal(at(1)) || early.Previous != "" {
		t.Errorf("a draft replaces what is approved: %+v", early)
	}
	remarked(t, early, "Version 2 is on record, proposed by marek, and was not approved by the as-of")
	if why := snap.Controls["A.10.4"].Justification; why != "no customer" {
		t.Errorf("justified by %q", why)
	}
	impact := rowOf(t, early, "A.5.2")
	if impact.Source != "AI Act" || !impact.Since.Equal(time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)) || !strings.HasPrefix(impact.State, "stated: implemented; evidence: ") {
		t.Errorf("got %+v", impact)
	}
	if c := rowOf(t, early, "A.10.4"); c.Applicable == nil || *c.Applicable || c.State != "excluded; stated: since Q1" || !c.Since.IsZero() {
		t.Errorf("got %+v", c)
	}
	late, _ := r.soa(t, 12, world)
	if late.Version != "2" || late.Previous != "1" {
		t.Errorf("got version %s after %s", late.Version, late.Previous)
	}
	want := "was excluded; reason was: no customer; source of need was: none; implemented since was: Q1"
	if got := rowOf(t, late, "A.10.4").Changed; got != want {
		t.Errorf("changed %q, want %q", got, want)
	}
	if got := rowOf(t, late, "A.5.3").Changed; got != "" {
		t.Errorf("A.5.3 changed: %q", got)
	}
	again, _ := r.soa(t, 7, map[int][]evidence.Record{2: {v1}, 5: {draft}})
	if d := cmp.Diff(early.Rows, again.Rows); d != "" || !slices.Equal(early.Remarks, again.Remarks) {
		t.Errorf("what came later changed what was: %s", d)
	}
}

// TestNobodyApproved: in whatever way an approval is not one.
func TestNobodyApproved(t *testing.T) {
	r := newRuled(t)
	out := map[string]string{"A.10.4": `{"id":"A.10.4","applicable":false,"justification":"no customer"}`}
	for name, rest := range map[string]string{
		"proposed":        `,"proposed_by":"marek"`,
		"no name":         fmt.Sprintf(`,"approved_at":%q`, at(1).Format(time.RFC3339)),
		"no time":         `,"approved_by":"ines"`,
		"in time to come": approved("ines", 40),
	} {
		s, snap := r.soa(t, 7, map[int][]evidence.Record{2: {r.version("1", rest, out)}})
		if s.ApprovedBy != "" || !s.ApprovedAt.IsZero() {
			t.Errorf("%s: approved by %q at %v", name, s.ApprovedBy, s.ApprovedAt)
		}
		for _, row := range s.Rows {
			if row.ApprovedBy != "" || !row.ApprovedAt.IsZero() {
				t.Errorf("%s: %s approved by %q", name, row.ID, row.ApprovedBy)
			}
		}
		if got := rowOf(t, s, "A.10.4").Contradiction; !strings.HasPrefix(got, "not established") {
			t.Errorf("%s: contradiction %q", name, got)
		}
		if why := snap.Controls["A.10.4"].Justification; why != "" {
			t.Errorf("%s: justified by %q", name, why)
		}
		remarked(t, s, "Version 1 is not approved")
	}
}

func TestOddStatements(t *testing.T) {
	r := newRuled(t)
	yes := true
	s, _ := r.soa(t, 7, map[int][]evidence.Record{2: {r.version("1", approved("ines", 1)+`,"controls_sha256":"aa","approved_sha256":"bb"`, map[string]string{
		"A.10.4": "", // not decided
		"A.5.2":  `{"id":"A.5.2","applicable":false,"justification":" "}`,
		"A.5.3":  `{"id":"A.5.3","applicable":true,"justification":"one"},{"id":"A.5.3","applicable":false,"justification":" "}`,
		"A.5.4":  `{"id":"A.5.4","justification":"undecided"}`,
		"more":   `{"id":"X-1","applicable":true,"justification":"ours"},{"id":"A.99.9","applicable":false,"justification":"who knows"},{"id":"6.1.2","applicable":false,"justification":"not us"}`,
	})}, 3: {record("soa.record", "organization", "odd", `{"version":["odd"]}`)}})
	remarked(t, s, "A.10.4 is not decided. It is treated as applicable", "A.5.2 is excluded without a reason. It is treated as applicable", "A.5.3 is decided 2 times",
		"X-1 is no control of the catalog", "A.99.9 is no control of the catalog", "6.1.2 is a clause. Clauses always apply",
		"What was approved has another digest (bb) than the decisions on record (aa)", "Version odd (sha256:", "cannot be read")
	for id, want := range map[string]*bool{"A.10.4": nil, "A.5.3": nil, "A.5.4": nil, "X-1": &yes} {
		if got := rowOf(t, s, id); (got.Applicable == nil) != (want == nil) {
			t.Errorf("%s: applicable %v", id, got.Applicable)
		}
	}
	if row := rowOf(t, s, "A.10.4"); row.ApprovedBy != "" || row.Reason != "" {
		t.Errorf("nobody decided: %+v", row)
	}
	var last []string
	for _, row := range s.Rows[len(r.annex):] {
		last = append(last, row.ID)
	}
	if !slices.Equal(last, []string{"X-1", "A.99.9", "6.1.2"}) {
		t.Errorf("after the catalog's: %q", last)
	}
}

func TestOneHand(t *testing.T) {
	r := newRuled(t)
	s, _ := r.soa(t, 7, map[int][]evidence.Record{2: {r.version("1", approved("Marek Nowak", 1), nil),
		record("directory.names", "person", "marek", `{"person":"marek","names":["Marek Nowak"]}`)}})
	remarked(t, s, "Marek Nowak proposed and approved version 1.")
}

// TestContradictions: what is excluded and happens is named with what was seen;
// where nobody looked, that is not established.
func TestContradictions(t *testing.T) {
	r := newRuled(t)
	out := map[string]string{"A.10.3": `{"id":"A.10.3","applicable":false,"justification":"nobody supplies any"}`,
		"A.8.5": `{"id":"A.8.5","applicable":false,"justification":"no duty"}`}
	vendor := record("vendor.record", "vendor", "v", `{"vendor_id":"v"}`)
	seen, _ := r.soa(t, 7, map[int][]evidence.Record{2: {r.version("1", approved("ines", 1), out)}, 6: {vendor}})
	if got := rowOf(t, seen, "A.10.3").Contradiction; got != "1 of vendor.record" {
		t.Errorf("A.10.3: %q", got)
	}
	if got := rowOf(t, seen, "A.8.5").Contradiction; got != "" {
		t.Errorf("A.8.5: %q, and no report was sent", got)
	}
	if got := rowOf(t, seen, "A.10.2").Contradiction; got != "" {
		t.Errorf("A.10.2 is not excluded: %q", got)
	}
	clean, _ := r.soa(t, 7, map[int][]evidence.Record{2: {r.version("1", approved("ines", 1), out)}, 6: {record("inventory.ai_system", "ai_system", "s", `{"system_id":"s"}`)}})
	if got := rowOf(t, clean, "A.10.3").Contradiction; got != "" {
		t.Errorf("nothing is there: %q", got)
	}
	blind, _ := r.soa(t, 40, map[int][]evidence.Record{2: {r.version("1", approved("ines", 1), out)}})
	if got := rowOf(t, blind, "A.10.3").Contradiction; !strings.HasPrefix(got, "not established: stale") {
		t.Errorf("nobody has looked for a month: %q", got)
	}
}
