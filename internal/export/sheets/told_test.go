package sheets

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// told is the book of the sample, with what the assessment says beside results.
func told(t *testing.T) (*Book, *exporttest.Sample) {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := exporttest.Tell(s.Snapshot); err != nil {
		t.Fatal(err)
	}
	b, err := New(s.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return b, s
}

// What is open stands in Gaps, once; a result that is a finding says which.
func TestGapsAreTheOpenFindings(t *testing.T) {
	b, s := told(t)
	var want []string
	for _, r := range s.Snapshot.Assessment.Results {
		switch r.Status {
		case assess.StatusSatisfied, assess.StatusNotApplicable, assess.StatusWaived, assess.StatusDue:
		default:
			want = append(want, assess.FindingID(r.Expectation, r.Subject))
			r.Reason += "; runs one, two looked"
		}
	}
	g := show(t, b, "Gaps")
	got := map[string]bool{}
	for i, row := range g.rows {
		got[row["finding id"]] = true
		if ref := g.leadsTo(i, "finding id"); ref != (Ref{"Results", row["finding id"]}) {
			t.Errorf("%s leads to %v", row["finding id"], ref)
		}
		if row["next step"] == "" && row["status"] != "failing" && row["status"] != "missing" && row["status"] != "stale" {
			t.Errorf("nothing is to be done about %v", row)
		}
	}
	if len(got) != len(want) || len(g.rows) != len(want) {
		t.Errorf("%d rows of %d findings, want %d", len(g.rows), len(got), len(want))
	}
	for _, id := range want {
		if !got[id] {
			t.Errorf("no row for %s", id)
		}
	}
	results := show(t, b, "Results")
	linked, ran := 0, 0
	gaps := map[string]string{}
	for _, row := range g.rows {
		gaps[row["finding id"]] = row["reason"]
	}
	for i, row := range results.rows {
		if f := row["finding"]; f != "" && !strings.Contains(f, " ") {
			if strings.HasSuffix(row["reason"], " looked") { // a gap counts the runs that Results names
				ran++
				if gaps[f] == row["reason"] || gaps[f] != assess.Brief(row["reason"]) {
					t.Errorf("%s: %q for %q", f, gaps[f], row["reason"])
				}
			}
			if ref := results.leadsTo(i, "finding"); ref != (Ref{"Gaps", f}) || !got[f] {
				t.Errorf("result %d leads to %v", i, ref)
			}
			linked++
		}
	}
	if linked != len(want) || ran == 0 {
		t.Errorf("%d results lead to a gap, want %d; %d name runs", linked, len(want), ran)
	}
}

func TestGapSaysWhatPeopleDid(t *testing.T) {
	b, _ := told(t)
	acknowledged := 0
	for _, row := range show(t, b, "Gaps").rows {
		if row["acknowledged by"] == "a.berg" && row["acknowledged (UTC)"] == export.Time(exporttest.AsOf.Add(-time.Hour)) {
			acknowledged++
		}
		if row["severity"] == "major" && row["due (UTC)"] == "" && row["status"] != "not_assessed" {
			t.Errorf("a major finding that is never due: %v", row)
		}
	}
	if acknowledged != 1 {
		t.Errorf("%d findings are acknowledged", acknowledged)
	}
}

// From a control to its results and to its most urgent gap.
func TestControlLeadsOn(t *testing.T) {
	b, _ := told(t)
	g := show(t, b, "Control status")
	for i, row := range g.rows {
		first := ""
		for _, l := range b.openLives() {
			if l.Control == row["id"] && first == "" {
				first = l.ID
			}
		}
		want := Ref{}
		if first != "" {
			want = Ref{"Gaps", first}
		}
		if ref := g.leadsTo(i, "highest open severity"); ref != want {
			t.Errorf("%s leads to %v, want %v", row["id"], ref, want)
		}
		if results := b.results[row["id"]]; len(results) > 0 && g.leadsTo(i, "id") != resultRef(results[0]) {
			t.Errorf("%s leads to %v", row["id"], g.leadsTo(i, "id"))
		}
	}
}

// What is not known of a population is said to be so.
func TestPopulations(t *testing.T) {
	b, _ := told(t)
	g := show(t, b, "Populations")
	if len(g.rows) != 2 {
		t.Fatalf("%d populations", len(g.rows))
	}
	unread, pulls := g.rows[0], g.rows[1]
	for _, column := range []string{"source query", "excluded", "reasons", "reconciled with", "reconciled count", "difference", "canary"} {
		if unread[column] != unknown {
			t.Errorf("%s of what was never read: %q", column, unread[column])
		}
	}
	want := map[string]string{"items": "14", "excluded": "3", "reasons": "3 of github.pull_request not merged", "reconciled count": "14", "difference": "0",
		"canary": "nordlicht/claims-model#1 found", "complete": "Y", "seed for sampler": b.Digests.Snapshot.String()[:16], "requirement": "A.6.2.5"}
	for column, v := range want {
		if pulls[column] != v {
			t.Errorf("%s: %q, want %q", column, pulls[column], v)
		}
	}
	if unread["complete"] != "N" {
		t.Error("what was never read is complete")
	}
	items := show(t, b, "Population items")
	count := map[string]int{}
	for i, row := range items.rows {
		if count[row["population"]]++; count[row["population"]] == 1 && items.leadsTo(i, "population") != (Ref{"Populations", row["population"]}) {
			t.Errorf("the first item of %s leads nowhere", row["population"])
		}
		if row["in sample"] != "" || row["result"] == "" {
			t.Errorf("item %v", row)
		}
	}
	if d := cmp.Diff(map[string]int{"release-change-approved": 14, "ai-system-owner-named": 3}, count); d != "" {
		t.Error(d)
	}
}

// Other frameworks: what we propose is told from what was published.
func TestCrosswalk(t *testing.T) {
	b, _ := told(t)
	g := show(t, b, "Crosswalk")
	if len(g.rows) != 2 || g.rows[0]["proposed"] != "" || g.rows[1]["proposed"] != "PROPOSED" || g.rows[0]["twin"] != "Y" || g.rows[1]["twin"] != "" ||
		g.rows[0]["sources"] != "guide: A guide by a body" || g.rows[0]["evidence items"] != "1" || g.rows[0]["status of the 42001 item"] != "stale" ||
		g.rows[0]["applies from"] == "" || g.rows[1]["applies from"] != "" {
		t.Errorf("%v", g.rows)
	}
}

func TestSince(t *testing.T) {
	b, s := told(t)
	g := show(t, b, "Since last audit")
	areas := map[string]int{}
	for _, row := range g.rows {
		areas[row["area"]]++
		if row["between (UTC)"] != export.Time(exporttest.AsOf.AddDate(-1, 0, 0)) || row["and (UTC)"] != export.Time(exporttest.AsOf) {
			t.Fatalf("between %s and %s", row["between (UTC)"], row["and (UTC)"])
		}
		if row["area"] == "systems" && (row["what"] != "name" || row["before"] != "=Search()" || row["after"] != "Document search") {
			t.Errorf("a field of a system: %v", row)
		}
	}
	for area, want := range map[string]int{areaControl: 1, "SoA": 1, "vendors": 1, "systems": 1, "sources": 1} {
		if areas[area] != want {
			t.Errorf("%d rows of %s, want %d", areas[area], area, want)
		}
	}
	if areas[areaResult] != len(s.Snapshot.Since.Delta.Results) {
		t.Errorf("%d results", areas[areaResult])
	}
	s.Snapshot.Since = nil
	if rows := show(t, b, "Since last audit").rows; len(rows) != 1 || rows[0]["what"] != "no earlier instant was given" {
		t.Errorf("without an earlier instant: %v", rows)
	}
	s.Snapshot.Since = &export.Since{From: exporttest.AsOf.AddDate(0, -1, 0), Delta: &assess.Delta{}}
	if rows := show(t, b, "Since last audit").rows; len(rows) != 1 || rows[0]["what"] != "nothing is different" {
		t.Errorf("without a difference: %v", rows)
	}
}

// The numbers of the charts are those of the sheets: each result and control
// is counted once.
func TestSummaryCountsEachOnce(t *testing.T) {
	b, s := told(t)
	sum := func(c Chart, series ...int) (n float64) {
		for i, one := range c.Series {
			if len(one.Values) != len(c.Categories) {
				t.Fatalf("%s: %d values for %d categories", c.Title, len(one.Values), len(c.Categories))
			}
			for _, v := range one.Values {
				if len(series) == 0 || series[0] == i {
					n += v
				}
			}
		}
		return n
	}
	a, applicable := s.Snapshot.Assessment, 0
	for _, r := range a.Results {
		if r.Status != assess.StatusNotApplicable {
			applicable++
		}
	}
	for name, c := range map[string]struct{ got, want float64 }{
		"controls by status": {sum(b.byStatus()), float64(len(a.Controls))},
		"controls by area":   {sum(b.byArea()), float64(len(a.Controls))},
		"results by area":    {sum(b.resultsByArea()), float64(len(a.Results))},
		"age of events":      {sum(b.freshness(), 0), float64(applicable)},
		"age of readings":    {sum(b.freshness(), 1), float64(applicable)},
		"findings opened":    {sum(b.overTime(), 0), float64(len(b.openLives()))},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	over := b.overTime()
	if open := over.Series[2].Values; open[len(open)-1] != float64(len(b.openLives())) {
		t.Errorf("open at the end %v, in Gaps %d", open[len(open)-1], len(b.openLives()))
	}
	if got := b.bucket(nil); got != len(ages()) {
		t.Errorf("no instant is in bucket %d", got)
	}
	for days, want := range map[int]int{0: 0, 7: 0, 8: 1, 30: 1, 31: 2, 90: 2, 91: 3, 365: 3, 366: 4} {
		at := b.snap.AsOf.AddDate(0, 0, -days)
		if got := b.bucket(&at); got != want {
			t.Errorf("%d days are in bucket %d, want %d", days, got, want)
		}
	}
}

func TestOpenAt(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }
	l := &finding.Life{History: []finding.Event{{Type: finding.Opened, At: at(2)}, {Type: finding.Acknowledged, At: at(3)}, {Type: finding.Waived, At: at(4)},
		{Type: finding.Reopened, At: at(6)}, {Type: finding.Resolved, At: at(8)}}}
	for day, want := range map[int]bool{1: false, 2: false, 3: true, 4: true, 5: false, 6: false, 7: true, 8: true, 9: false} {
		if got := openAt(l, at(day)); got != want {
			t.Errorf("before day %d: open %v, want %v", day, got, want)
		}
	}
}

// When an object was last there: a run that listed everything says so, one
// that did not says nothing, and the one that missed it ends it.
func TestLastSeen(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 1, 1, h, 0, 0, 0, time.UTC) }
	run := func(h int, coverage string, enumerated bool) evidence.Run {
		return evidence.Run{Provenance: evidence.Provenance{Source: "s"}, FinishedAt: at(h),
			Kinds: map[string]evidence.KindRead{"k": {Coverage: coverage, Enumerated: enumerated}}}
	}
	listed := listings([]evidence.Run{run(8, "complete", true), run(2, "complete", true), run(10, "partial", true), run(12, "complete", false)})
	for name, c := range map[string]struct {
		ev   evidence.Evidence
		want int
	}{
		"listed again":             {evidence.Evidence{Source: "s", Kind: "k", CollectedAt: at(1)}, 8},
		"read after the last list": {evidence.Evidence{Source: "s", Kind: "k", CollectedAt: at(9)}, 9},
		"gone":                     {evidence.Evidence{Source: "s", Kind: "k", CollectedAt: at(1), GoneAt: at(8)}, 2},
		"gone at once":             {evidence.Evidence{Source: "s", Kind: "k", CollectedAt: at(1), GoneAt: at(2)}, 1},
		"another source":           {evidence.Evidence{Source: "t", Kind: "k", CollectedAt: at(1)}, 1},
	} {
		if got := lastSeen(&c.ev, listed); !got.Equal(at(c.want)) {
			t.Errorf("%s: %v, want %d", name, got, c.want)
		}
	}
}

// The sheet claims of a payload only what was looked at.
func TestIntegrityIsWhatWasLookedAt(t *testing.T) {
	b, s := told(t)
	states := func() map[string]int {
		n := map[string]int{}
		b.Counts = Counts{}
		for _, row := range show(t, b, "Evidence").rows {
			n[row["integrity OK"]]++
			if (row["integrity OK"] == payloadErased) != (row["file"] == "") {
				t.Errorf("%s: file %q", row["integrity OK"], row["file"])
			}
		}
		return n
	}
	first := states()
	if first[payloadWhole] == 0 || first[payloadUnread] == 0 || b.Counts.Reread != first[payloadWhole] || len(first) != 2 {
		t.Fatalf("%v, %d read again", first, b.Counts.Reread)
	}
	cited := s.Snapshot.Assessment.Results[0].Evidence[0]
	for ev, err := range s.Ledger.Used(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Digest == cited {
			s.Ledger.Payloads[ev.PayloadSum] = []byte(`{"altered":true}`)
		}
	}
	if got := states(); got[payloadAltered] != 1 || got[payloadWhole] != first[payloadWhole]-1 {
		t.Errorf("one payload was altered: %v", got)
	}
	s.EraseFirst(func(args ...any) { t.Fatal(args...) })
	if got := states(); got[payloadErased] != 1 {
		t.Errorf("one payload was erased: %v", got)
	}
}

// A profile hides payloads and says so; what proves them stays.
func TestHiddenPayloads(t *testing.T) {
	b, s := told(t)
	s.Snapshot.Redaction = &export.Redaction{Profile: "customers", Hides: func(kind string) bool { return kind == "github.pull_request" },
		Omits: func(sheet string) bool { return sheet == "Gaps" }, Reason: func(string) string { return "names of people" }}
	n := 0
	for _, row := range show(t, b, "Evidence").rows {
		hidden := row["kind"] == "github.pull_request"
		if hidden {
			n++
		}
		if hidden != (row["redaction"] == "hidden by profile customers: names of people") || hidden == (row["file"] != "") || len(row["payload sha256"]) != 64 {
			t.Fatalf("%v", row)
		}
	}
	if n == 0 {
		t.Error("nothing was hidden")
	}
	for _, sheet := range b.Sheets() {
		if sheet.Name == "Gaps" {
			t.Error("a sheet that the profile leaves out is there")
		}
	}
}

// An upload says who handed it in and who looked at it.
func TestUpload(t *testing.T) {
	b, _ := smallBook(t, nil, rec{"evidence.manual_upload", "record", "U-1",
		fmt.Sprintf(`{"upload_id":"U-1","title":"Minutes","uploader":"a.berg","reviewer":"m.ek","review_decision":"accepted","uploaded_at":%q}`, ago(3))},
		rec{"document.revision", "document", "policy", `{"doc_id":"policy","title":"AI policy","classification":"internal","sha256":"00"}`})
	rows := show(t, b, "Evidence").rows
	if len(rows) != 2 || rows[0]["title"] != "Minutes" || rows[0]["uploader"] != "a.berg" || rows[0]["reviewer"] != "m.ek" || rows[0]["review decision"] != "accepted" ||
		rows[1]["classification"] != "internal" || rows[1]["title"] != "AI policy" || rows[1]["uploader"] != "" {
		t.Errorf("%v", rows)
	}
}
