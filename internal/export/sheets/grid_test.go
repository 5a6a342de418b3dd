package sheets

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

// grid keeps the rows of a sheet as texts, by the title of the column. It
// fails a row that does not have one cell per column.
type grid struct {
	layout Layout
	cells  []string
	rows   []map[string]string
	links  map[string]Ref // by row and column
}

func (g *grid) put(v string)                       { g.cells = append(g.cells, v) }
func (g *grid) Key(string)                         {}
func (g *grid) Whole(string)                       {}
func (g *grid) Text(v string)                      { g.put(v) }
func (g *grid) Code(v string)                      { g.put(v) }
func (g *grid) List(v []string)                    { g.put(strings.Join(v, "\n")) }
func (g *grid) Number(n int64)                     { g.put(fmt.Sprint(n)) }
func (g *grid) Decimal(x float64)                  { g.put(fmt.Sprintf("%.1f", x)) }
func (g *grid) Yes(v bool)                         { g.put(yesNo(v)) }
func (g *grid) Date(t time.Time)                   { g.put(export.Time(t)) }
func (g *grid) Status(s assess.Status)             { g.put(string(s)) }
func (g *grid) Mark(v string, _ assess.Status)     { g.put(v) }
func (g *grid) File(path string)                   { g.put(path) }
func (g *grid) Web(url string)                     { g.put(url) }
func (g *grid) Blank()                             { g.put("") }
func (g *grid) Input()                             { g.put("") }
func (g *grid) at(column string) string            { return fmt.Sprintf("%d %s", len(g.rows), column) }
func (g *grid) leadsTo(row int, column string) Ref { return g.links[fmt.Sprintf("%d %s", row, column)] }

func (g *grid) Link(v string, to Ref) {
	if len(g.cells) < len(g.layout.Columns) {
		g.links[g.at(g.layout.Columns[len(g.cells)].Title)] = to
	}
	g.put(v)
}

func (g *grid) End() error {
	if len(g.cells) != len(g.layout.Columns) {
		return fmt.Errorf("row %d of %s has %d cells, not %d: %q", len(g.rows), g.layout.Name, len(g.cells), len(g.layout.Columns), g.cells)
	}
	row := map[string]string{}
	for i, c := range g.layout.Columns {
		row[c.Title] = g.cells[i]
	}
	g.rows, g.cells = append(g.rows, row), nil
	return nil
}

// rec is a record of a test, without what all have in common.
type rec struct{ kind, subject, id, payload string }

// small is a snapshot of a few records, all read completely on the first day.
type small struct {
	*exporttest.Ledger
	snap    *export.Snapshot
	digests []evidence.Digest
}

// today is the as-of of a small snapshot.
var today = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)

// ago is an instant so many days before today, as payloads write it.
func ago(days int) string { return today.AddDate(0, 0, -days).Format(time.RFC3339) }

// eventOf is when what a payload tells of happened.
func eventOf(payload string) time.Time {
	var p map[string]any
	if json.Unmarshal([]byte(payload), &p) != nil {
		return time.Time{}
	}
	for _, field := range []string{"merged_at", "submitted_at", "committed_at", "updated_at", "changed_at", "approved_at", "observed_at", "announced_at"} {
		if text, ok := p[field].(string); ok {
			if at, err := time.Parse(time.RFC3339, text); err == nil {
				return at
			}
		}
	}
	return time.Time{}
}

func smallBook(t *testing.T, systems []export.System, records ...rec) (*Book, *small) {
	t.Helper()
	key, err := exporttest.NewKey("exhibit/test")
	if err != nil {
		t.Fatal(err)
	}
	s := &small{Ledger: exporttest.NewLedger()}
	run := evidence.Run{ID: "run-1", Provenance: evidence.Provenance{Source: "forms", Connector: "documents"}, StartedAt: today.AddDate(0, 0, -1),
		FinishedAt: today.AddDate(0, 0, -1).Add(time.Minute), Status: evidence.RunComplete, Kinds: map[string]evidence.KindRead{}}
	s.Sources[run.ID] = "forms"
	for i, r := range records {
		run.Kinds[r.kind] = evidence.KindRead{Coverage: "complete", IndependentCount: -1}
		d, err := s.AppendEvidence(run.FinishedAt, evidence.Evidence{Run: run.ID, Kind: r.kind, Major: 1, Subject: evidence.Subject{Type: r.subject, ID: r.id},
			Key: fmt.Sprintf("%s/%d", r.id, i), Revision: 1, CollectedAt: run.FinishedAt, EventTime: eventOf(r.payload), URL: "https://forms.example/" + fmt.Sprint(i)}, r.payload)
		if err != nil {
			t.Fatal(err)
		}
		s.digests = append(s.digests, d)
	}
	if err := s.AppendEntry(evidence.NewEntry(evidence.EntryAssessment, today, []byte(`{"note":"an entry of its own, so that no ledger is empty"}`))); err != nil {
		t.Fatal(err)
	}
	note, cp, err := s.Checkpoint(int64(len(s.Lines)), key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	s.snap = &export.Snapshot{AsOf: today, Assessment: &assess.Assessment{AsOf: today, Checkpoint: assess.Checkpoint{Size: cp.Size, Root: cp.Root.String()}},
		Systems: systems, Runs: []evidence.Run{run}, Checkpoint: note, PublicKey: key.Public, Ledger: s.Ledger}
	b, err := New(s.snap)
	if err != nil {
		t.Fatal(err)
	}
	return b, s
}

// show renders a sheet.
func show(t *testing.T, b *Book, name string) *grid {
	t.Helper()
	for _, sheet := range b.Sheets() {
		if sheet.Name != name {
			continue
		}
		g := &grid{layout: sheet.Layout, links: map[string]Ref{}}
		if err := sheet.Rows(context.WithoutCancel(t.Context()), g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	t.Fatalf("there is no sheet %s", name)
	return nil
}

// is compares cells of a row.
func (g *grid) is(t *testing.T, row int, want map[string]string) {
	t.Helper()
	if row >= len(g.rows) {
		t.Fatalf("%s has %d rows, want row %d", g.layout.Name, len(g.rows), row)
	}
	for column, text := range want {
		got, known := g.rows[row][column]
		if !known {
			t.Errorf("%s has no column %q", g.layout.Name, column)
		}
		if got != text {
			t.Errorf("%s, row %d, %s: %q, want %q", g.layout.Name, row, column, got, text)
		}
	}
}

// recordSheets are the sheets that this file's neighbours make from records.
var recordSheets = []string{"AI systems", "Vendors and models", "Changes", "Risks and impacts", "Incidents", "NC and actions", "Waivers",
	"Shadow AI", "Audit and review", "People"}
