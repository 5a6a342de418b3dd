package sheets

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

// TestStatement: what is not established is said, and nothing that nobody
// approved looks approved.
func TestStatement(t *testing.T) {
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	yes, no, on := true, false, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	digest := evidence.Sum([]byte("soa"))
	s.Snapshot.SoA = &export.SoA{Version: "2", ApprovedBy: "ines", ApprovedAt: on, Evidence: digest, Rows: []export.SoARow{
		{ID: "A.4.2", Title: "Resources", Applicable: &yes, Reason: "=risk", Source: "R-7", State: "stated: implemented", Since: on, Evidence: 3, ApprovedBy: "ines", ApprovedAt: on},
		{ID: "A.5.2", Applicable: &yes},
		{ID: "A.10.3", Applicable: &no, Reason: "none", Contradiction: "2 of vendor.record", ApprovedBy: "ines", ApprovedAt: on, Changed: "was applicable"},
		{ID: "A.10.4", Applicable: &no, Reason: "none", Contradiction: "not established: stale"},
		{ID: "A.8.5", Applicable: &no, Reason: "none"},
		{ID: "X-1"},
	}}
	b, err := New(s.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	g := &grid{layout: soaLayout, links: map[string]Ref{}}
	if err := b.statement(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, r := range g.rows {
		var row []string
		for _, c := range soaLayout.Columns {
			row = append(row, r[c.Title])
		}
		got = append(got, row)
	}
	const un = "not established"
	at := export.Time(on)
	want := [][]string{
		{"A.4.2", "Resources", "Y", "=risk", "R-7", "stated: implemented", at, "3", "", "ines", at, "2", ""}, // a Writer makes texts safe
		{"A.5.2", "", "Y", un, un, un, un, "0", "", "not approved", "", "2", ""},
		{"A.10.3", "", "N", "none", un, un, "", "0", "excluded, but seen: 2 of vendor.record", "ines", at, "2", "was applicable"},
		{"A.10.4", "", "N", "none", un, un, "", "0", "not established: stale", "not approved", "", "2", ""},
		{"A.8.5", "", "N", "none", un, un, "", "0", "none seen", "not approved", "", "2", ""},
		{"X-1", "", "not decided", un, un, un, un, "0", "", "not approved", "", "2", ""},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if g.leadsTo(0, "id") != (Ref{"Control status", "A.4.2"}) || g.leadsTo(5, "id") != (Ref{}) || g.leadsTo(0, "SoA version") != evidenceRef(digest) {
		t.Errorf("links: %v", g.links)
	}
	s.Snapshot.SoA = nil
	g.rows = nil
	if err := b.statement(t.Context(), g); err != nil || g.rows != nil {
		t.Errorf("without a statement: %v %v", g.rows, err)
	}
}
