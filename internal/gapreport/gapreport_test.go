package gapreport_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/gapreport"
)

var now = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)

func TestCauseOf(t *testing.T) {
	for _, c := range []struct {
		stated string
		status assess.Status
		reason string
		want   gapreport.Cause
		from   string
	}{
		{"", assess.StatusFailing, "monitors stopped", gapreport.Control, gapreport.FromExpectation},
		{"no such cause", assess.StatusFailing, "monitors stopped", gapreport.Control, gapreport.FromExpectation},
		{"documentation", assess.StatusMissing, "no datasheet found", gapreport.Documentation, gapreport.FromExpectation},
		{"control", assess.StatusFailing, "the rule is not approved", gapreport.Approval, gapreport.FromReason},
		{"documentation", assess.StatusFailing, "the text of AIP-01 is not the one that ines approved on 2026-01-02", gapreport.Approval, gapreport.FromReason},
		{"documentation", assess.StatusFailing, "live since 2026-01-01, requirements first approved on 2026-02-01 by ines", gapreport.Approval, gapreport.FromReason},
		{"approval", assess.StatusFailing, "approved only after the merge", gapreport.Approval, gapreport.FromExpectation},
		{"documentation", assess.StatusFailing, "the process map of 2026-01-01 names no owner of P3", gapreport.Owner, gapreport.FromReason},
		{"control", assess.StatusFailing, "owned by nobody: O-1", gapreport.Owner, gapreport.FromReason},
		{"owner", assess.StatusFailing, "no deputy is named; the owner is marek", gapreport.Owner, gapreport.FromExpectation},
		// An approval that nobody gave is an approval, not an owner.
		{"documentation", assess.StatusMissing, "nobody is named as approver of IA-1", gapreport.Approval, gapreport.FromReason},
		{"owner", assess.StatusFailing, "the matrix is not approved", gapreport.Approval, gapreport.FromReason},
		// What a source wrote does not decide.
		{"control", assess.StatusFailing, `issue "nobody owns this, not approved" is open`, gapreport.Control, gapreport.FromExpectation},
		// Where nothing is established, nothing is read into the reason.
		{"control", assess.StatusNotAssessed, "it is not known whether it is not approved", gapreport.Control, gapreport.FromExpectation},
		{"control", assess.StatusStale, "collection_gap: nobody owns", gapreport.Control, gapreport.FromExpectation},
	} {
		got, from := gapreport.CauseOf(c.stated, c.status, c.reason)
		if got != c.want || from != c.from {
			t.Errorf("%s, %s, %q: %s from %s, want %s from %s", c.stated, c.status, c.reason, got, from, c.want, c.from)
		}
	}
}

func input(t *testing.T) gapreport.Input {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	fws, err := crosswalk.Load(config.FS, cat)
	if err != nil {
		t.Fatal(err)
	}
	due := now.Add(-time.Hour)
	item := func(id, control, slug string, status assess.Status, reason, owner string) gapreport.Item {
		return gapreport.Item{ID: id, Control: control, Expectation: slug, Status: status, Reason: reason, Owner: owner, Subject: evidence.Subject{Type: "x", ID: id}}
	}
	late := item("F-3", "A.6.2.6", "monitoring-active", assess.StatusFailing, "stopped", "marek")
	late.DueAt, late.Overdue = &due, true
	return gapreport.Input{
		Assessment: &assess.Assessment{AsOf: now, Catalog: assess.CatalogRef{Digest: evidence.Sum([]byte("rules"))}, Checkpoint: assess.Checkpoint{Size: 9},
			Expectations: []assess.InForce{
				{Slug: "audit-programme-covers-all", Cause: "documentation", Title: "The programme covers all"},
				{Slug: "monitoring-active", Cause: "control"}, {Slug: "ai-system-owner-named", Cause: "owner"}, {Slug: "policy", Cause: "approval"},
			}},
		Catalog: cat, Frameworks: fws,
		Items: []gapreport.Item{
			item("F-5", "A.6.2.6", "monitoring-active", assess.StatusStale, "collection_gap", ""),
			item("F-1", "9.2.2", "audit-programme-covers-all", assess.StatusFailing, "clause 5 is not planned", "ines"),
			item("F-2", "9.2.2", "audit-programme-covers-all", assess.StatusFailing, "the programme is not approved", "ines"),
			late,
			item("F-4", "A.3.2", "ai-system-owner-named", assess.StatusMissing, "no owner is named", ""),
		},
	}
}

func TestMake(t *testing.T) {
	in := input(t)
	r := gapreport.Make(in)
	var causes []gapreport.Cause
	got := map[gapreport.Cause][]string{}
	open := 0
	for _, g := range r.Causes {
		causes = append(causes, g.Cause)
		open += g.Open
		if g.Open != len(g.Items) || g.Open != g.Established+g.Unsettled {
			t.Errorf("%s: open %d, items %d, counts %+v", g.Cause, g.Open, len(g.Items), g.Counts)
		}
		inAreas := 0
		for _, a := range g.Areas {
			inAreas += a.Open
		}
		if inAreas != g.Open {
			t.Errorf("%s: areas have %d of %d", g.Cause, inAreas, g.Open)
		}
		for _, it := range g.Items {
			got[g.Cause] = append(got[g.Cause], it.ID)
		}
	}
	if d := cmp.Diff(gapreport.Causes(), causes); d != "" || len(causes) != 4 {
		t.Errorf("causes: %s", d)
	}
	want := map[gapreport.Cause][]string{gapreport.Control: {"F-3", "F-5"}, gapreport.Owner: {"F-4"}, gapreport.Documentation: {"F-1"}, gapreport.Approval: {"F-2"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("items (-want +got):\n%s", d)
	}
	if open != r.Open || r.Open != 5 {
		t.Errorf("the causes have %d, the report %d", open, r.Open)
	}
	if d := cmp.Diff(gapreport.Counts{Established: 4, Unsettled: 1, Overdue: 1, Unowned: 2}, r.Counts); d != "" {
		t.Error(d)
	}
	if len(r.Hints) != 1 || r.Hints[0].Control != "9.2.2" || r.Hints[0].Open != 2 || !strings.Contains(r.Hints[0].Hint, "reused, AI content to check") {
		t.Errorf("twins: %+v", r.Hints)
	}
	if it := r.Causes[2].Items[0]; it.Title != "The programme covers all" || it.Twin != "Clause 9.2.2" || it.Area != "9.2" {
		t.Errorf("item: %+v", it)
	}
	slices.Reverse(in.Items)
	if d := cmp.Diff(r, gapreport.Make(in)); d != "" {
		t.Errorf("the order of the findings matters:\n%s", d)
	}
}

func TestBaseline(t *testing.T) {
	in := input(t)
	r := gapreport.Make(in)
	text := []byte("the report")
	b := gapreport.Freeze(r, text, "ines", "report.json")
	raw, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	back, ok, err := gapreport.ParseBaseline(raw)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if d := cmp.Diff(b, back); d != "" {
		t.Errorf("read back:\n%s", d)
	}
	if b.SHA256 != evidence.Sum(text) || b.Open != 5 || len(b.Findings) != 4 {
		t.Errorf("baseline: %+v", b)
	}
	if _, ok, err := gapreport.ParseBaseline([]byte(`{"what":"workbook"}`)); ok || err != nil {
		t.Error("a workbook is no baseline", ok, err)
	}
	for _, bad := range []string{`[`, `{"what":"gap report"}`} {
		if _, ok, err := gapreport.ParseBaseline([]byte(bad)); ok || err == nil {
			t.Errorf("%s: %t, no error", bad, ok)
		}
	}

	// Later: F-2 is closed, F-6 is new, F-1 has another cause by now.
	in.Items = slices.DeleteFunc(in.Items, func(i gapreport.Item) bool { return i.ID == "F-2" })
	for i := range in.Items {
		if in.Items[i].ID == "F-1" {
			in.Items[i].Reason = "nobody approved it"
		}
	}
	in.Items = append(in.Items, gapreport.Item{ID: "F-6", Control: "A.3.2", Expectation: "ai-system-owner-named", Status: assess.StatusMissing})
	p := gapreport.Compare(b, gapreport.Make(in))
	want := &gapreport.Progress{AsOf: now, SHA256: b.SHA256, Then: 5, Closed: 1, Still: 4, New: 1, Causes: []gapreport.CauseProgress{
		{Cause: gapreport.Control, Then: 2, Still: 2}, {Cause: gapreport.Owner, Then: 1, Still: 1, New: 1},
		{Cause: gapreport.Documentation, Then: 1, Still: 1}, {Cause: gapreport.Approval, Then: 1, Closed: 1},
	}}
	if d := cmp.Diff(want, p); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	in.Assessment.Catalog.Digest = evidence.Sum([]byte("other rules"))
	if !gapreport.Compare(b, gapreport.Make(in)).OtherRules {
		t.Error("other rules are not named")
	}
}
