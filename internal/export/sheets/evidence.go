package sheets

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

var evidenceLayout = Layout{Name: "Evidence",
	About: "One row per evidence item used, with its times, who collected it how, its digest, its file and its place in the ledger.",
	Tab:   "4F8A6B", Large: true, Flat: true, Frozen: 1, Columns: []Column{
		{"evidence id", 18}, {"kind", 25}, {"strength", 10}, {"title", 20}, {"subject", 30}, {"event time (UTC)", 18},
		{"collected at (UTC)", 18}, {"period from (UTC)", 18}, {"period to (UTC)", 18}, {"source", 11}, {"source URL", 32},
		{"locator", 24}, {"method", 8}, {"reliability", 11}, {"collector identity", 20}, {"connector and version", 14}, {"run", 14},
		{"payload sha256", 18}, {"file", 20}, {"ledger position", 9}, {"revision", 8}, {"gone at (UTC)", 18}, {"imported", 9},
	}}

// runInfo is what rows of one run share, made fit for cells once.
type runInfo struct{ method, reliability, identity, connector string }

// evidence writes one row per evidence item used.
func (b *Book) evidence(ctx context.Context, w Writer) error {
	runs := make(map[string]runInfo, len(b.snap.Runs))
	for _, r := range b.snap.Runs {
		runs[r.ID] = runInfo{r.Provenance.Method, r.Provenance.Reliability, r.Provenance.Identity,
			r.Provenance.Connector + " " + r.Provenance.ConnectorVersion}
	}
	last := int64(-1)
	for ev, err := range b.snap.Ledger.Used(ctx) {
		if err != nil {
			return fmt.Errorf("workbook: evidence: %w", err)
		}
		if ev.Seq <= last {
			return fmt.Errorf("workbook: evidence at ledger position %d came after %d", ev.Seq, last)
		}
		last = ev.Seq
		b.evidenceCells(w, &ev, runs[ev.Run])
		if err := w.End(); err != nil {
			return err
		}
		b.Counts.Evidence++
	}
	return nil
}

func (b *Book) evidenceCells(w Writer, ev *evidence.Evidence, run runInfo) {
	kind := b.snap.Kinds[ev.Kind]
	if p := b.snap.Period; p != nil && !ev.EventTime.IsZero() && !ev.EventTime.Before(p.From) && !ev.EventTime.After(p.To) {
		b.Counts.InPeriod++
	}
	var hexes [2 * 2 * len(ev.Digest)]byte
	hex.Encode(hexes[:64], ev.Digest[:])
	hex.Encode(hexes[64:], ev.PayloadSum[:])
	id, payload := string(hexes[:64]), string(hexes[64:])
	file := "evidence/" + payload + ".json"
	w.Whole(file)
	if b.leadsTo(ev) {
		w.Key(id)
	}
	w.Code(id)
	w.Text(ev.Kind)
	w.Text(kind.Strength)
	w.Text(kind.Title)
	w.Text(ev.Subject.Type + " " + ev.Subject.ID)
	w.Date(ev.EventTime)
	w.Date(ev.CollectedAt)
	if ev.Period != nil {
		w.Date(ev.Period.From)
		w.Date(ev.Period.To)
	} else {
		w.Blank()
		w.Blank()
	}
	w.Text(ev.Source)
	w.Web(ev.URL)
	w.Text(ev.Key)
	w.Text(run.method)
	w.Text(run.reliability)
	w.Text(run.identity)
	w.Text(run.connector)
	w.Code(ev.Run)
	w.Code(payload)
	w.File(file)
	w.Number(ev.Seq)
	w.Number(int64(ev.Revision))
	w.Date(ev.GoneAt)
	if ev.Imported {
		w.Text("Y")
	} else {
		w.Blank()
	}
}

// Columns of the Evidence sheet that a verifier compares with the ledger.
const (
	EvidenceID       = "evidence id"
	EvidenceEvent    = "event time (UTC)"
	EvidenceRead     = "collected at (UTC)"
	EvidencePayload  = "payload sha256"
	EvidencePosition = "ledger position"
)

// EvidenceColumn is the number of a column of the Evidence sheet, from 0; -1
// if there is none of that title.
func EvidenceColumn(title string) int {
	return slices.IndexFunc(evidenceLayout.Columns, func(c Column) bool { return c.Title == title })
}

// Names of sheets that a verifier looks for.
const (
	CoverSheet    = "Cover"
	ControlSheet  = "Control status"
	ResultSheet   = "Results"
	EvidenceSheet = "Evidence"
)
