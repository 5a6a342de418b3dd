package xlsx

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

var evidenceLayout = layout{name: "Evidence", tab: "4F8A6B", large: true, flat: true, frozen: 1, columns: []column{
	{"evidence id", 18}, {"kind", 25}, {"strength", 10}, {"title", 20}, {"subject", 30}, {"event time (UTC)", 18},
	{"collected at (UTC)", 18}, {"period from (UTC)", 18}, {"period to (UTC)", 18}, {"source", 11}, {"source URL", 32},
	{"locator", 24}, {"method", 8}, {"reliability", 11}, {"collector identity", 20}, {"connector and version", 14}, {"run", 14},
	{"payload sha256", 18}, {"file", 20}, {"ledger position", 9}, {"revision", 8}, {"gone at (UTC)", 18}, {"imported", 9},
}}

// runInfo is what rows of one run share, made fit for cells once.
type runInfo struct{ method, reliability, identity, connector string }

// evidence writes one row per evidence item used.
func (b *book) evidence(ctx context.Context, s *sheet) error {
	b.evidenceRow = b.wanted()
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
		if s, err = s.room(); err != nil {
			return err
		}
		key := keyOf(ev.Digest)
		if _, ok := b.evidenceRow[key]; ok {
			b.evidenceRow[key] = place{s.name, s.row}
		}
		b.evidenceCells(s, &ev, runs[ev.Run])
		if err := s.end(); err != nil {
			return err
		}
		b.sum.Evidence++
	}
	return nil
}

func (b *book) evidenceCells(s *sheet, ev *evidence.Evidence, run runInfo) {
	kind := b.snap.Kinds[ev.Kind]
	if p := b.snap.Period; p != nil && !ev.EventTime.IsZero() && !ev.EventTime.Before(p.From) && !ev.EventTime.After(p.To) {
		b.sum.InPeriod++
	}
	var hexes [2 * 2 * len(ev.Digest)]byte
	hex.Encode(hexes[:64], ev.Digest[:])
	hex.Encode(hexes[64:], ev.PayloadSum[:])
	id, payload := string(hexes[:64]), string(hexes[64:])
	file := "evidence/" + payload + ".json"
	s.where = file
	s.code(id)
	s.text(ev.Kind)
	s.text(kind.Strength)
	s.text(kind.Title)
	s.text(ev.Subject.Type + " " + ev.Subject.ID)
	s.date(ev.EventTime)
	s.date(ev.CollectedAt)
	if ev.Period != nil {
		s.date(ev.Period.From)
		s.date(ev.Period.To)
	} else {
		s.blank()
		s.blank()
	}
	s.text(ev.Source)
	web, ok := webLink(ev.URL)
	if !s.links.room(2) {
		b.sum.Unlinked++
	}
	switch {
	case ok && s.links.room(2): // keep one for the file
		s.linkOut(ev.URL, web)
	default:
		s.text(ev.URL)
	}
	s.text(ev.Key)
	s.text(run.method)
	s.text(run.reliability)
	s.text(run.identity)
	s.text(run.connector)
	s.code(ev.Run)
	s.code(payload)
	s.linkOut(file, file)
	s.put(ev.Seq, b.st.number)
	s.number(ev.Revision)
	s.date(ev.GoneAt)
	if ev.Imported {
		s.text("Y")
	} else {
		s.blank()
	}
}
