package sheets

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

var evidenceLayout = Layout{Name: "Evidence",
	About: "One row per evidence item used, with its times, who collected it how, its digest, its file and its place in the ledger.",
	Tab:   "4F8A6B", Large: true, Flat: true, Frozen: 1, Columns: []Column{
		{"evidence id", 18}, {"kind", 27}, {"strength", 10}, {"title", 29}, {"subject", 40}, {"event time (UTC)", 18},
		{"collected at (UTC)", 18}, {"period from (UTC)", 18}, {"period to (UTC)", 18}, {"source", 11}, {"source URL", 32},
		{"locator", 44}, {"method", 8}, {"reliability", 11}, {"collector identity", 44}, {"connector and version", 19}, {"run", 33},
		{"payload sha256", 18}, {"file", 20}, {"ledger position", 9}, {"integrity OK", 12}, {"revision", 8}, {"first seen (UTC)", 18},
		{"last seen (UTC)", 18}, {"gone at (UTC)", 18}, {"imported", 9}, {"uploader", 16}, {"reviewer", 16}, {"review decision", 12},
		{"classification", 13}, {"redaction", 26},
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
	listed := listings(b.snap.Runs)
	last := int64(-1)
	for ev, err := range b.snap.Ledger.Used(ctx) {
		if err != nil {
			return fmt.Errorf("workbook: evidence: %w", err)
		}
		if ev.Seq <= last {
			return fmt.Errorf("workbook: evidence at ledger position %d came after %d", ev.Seq, last)
		}
		last = ev.Seq
		again, err := b.reread(ctx, &ev)
		if err != nil {
			return fmt.Errorf("workbook: evidence %s: %w", ev.Digest, err)
		}
		b.evidenceCells(w, &ev, runs[ev.Run], again)
		b.seenCells(w, &ev, listed)
		b.reviewCells(w, &ev, again)
		if err := w.End(); err != nil {
			return err
		}
		b.operates(&ev)
		b.Counts.Evidence++
	}
	return nil
}

// evidenceCells write what an item is, where it is from and where it lies.
func (b *Book) evidenceCells(w Writer, ev *evidence.Evidence, run runInfo, again reread) {
	kind := b.snap.Kinds[ev.Kind]
	if p := b.snap.Period; p != nil && !ev.EventTime.IsZero() && !ev.EventTime.Before(p.From) && !ev.EventTime.After(p.To) {
		b.Counts.InPeriod++
	}
	if ev.CollectedAt.After(b.snap.AsOf) {
		b.Counts.Later++
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
	w.Text(firstOf(again.Title, kind.Title))
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
	if b.snap.Redaction.Hidden(ev.Kind) || again.state == payloadErased {
		w.Blank()
	} else {
		w.File(file)
	}
	w.Number(ev.Seq)
	w.Text(again.state)
	w.Number(int64(ev.Revision))
}

// seenCells write when the object was there.
func (b *Book) seenCells(w Writer, ev *evidence.Evidence, listed map[listing][]time.Time) {
	switch {
	case ev.Revision <= 1:
		w.Date(ev.CollectedAt)
	case b.snap.FirstSeen != nil:
		w.Date(b.snap.FirstSeen(ev))
	default:
		w.Blank()
	}
	w.Date(lastSeen(ev, listed))
	w.Date(ev.GoneAt)
	yesOrBlank(w, ev.Imported)
}

// reviewCells write who supplied an item and who looked at it, if a person
// did, and what is hidden of it.
func (b *Book) reviewCells(w Writer, ev *evidence.Evidence, again reread) {
	w.Text(again.Uploader)
	w.Text(again.Reviewer)
	w.Text(again.Decision)
	w.Text(again.Classification)
	if !b.snap.Redaction.Hidden(ev.Kind) {
		w.Blank()
		return
	}
	text := "hidden by profile " + b.snap.Redaction.Profile
	if why := b.snap.Redaction.Reason; why != nil && why(ev.Kind) != "" {
		text += ": " + why(ev.Kind)
	}
	w.Text(text)
}

func yesOrBlank(w Writer, v bool) {
	if v {
		w.Text("Y")
		return
	}
	w.Blank()
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
