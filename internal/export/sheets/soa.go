package sheets

import (
	"context"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// soaKinds have their records behind the SoA sheet.
func soaKinds() []string { return []string{"soa.record"} }

var soaLayout = Layout{Name: "SoA",
	About: "The statement of applicability in force: the decision on each Annex A control and on the organisation's own, and what contradicts it.",
	Tab:   "3E5C76", Large: true, Frozen: 2, Columns: []Column{
		{"id", 9}, {"title", 34}, {"applicable", 10}, {"reason for inclusion or exclusion", 44}, {"source of need", 24}, {"implementation state", 34},
		{"implemented since (UTC)", 18}, {"evidence count", 9}, {"contradiction", 34}, {"approved by", 20}, {"approved at (UTC)", 18}, {"SoA version", 14},
		{"changed since the version before", 34},
	}}

// notEstablished is said where no record states anything.
const notEstablished = "not established"

// statement writes one row per control in the statement of applicability.
// Without one on record there is no row. It comes after the controls, to which
// it leads.
func (b *Book) statement(_ context.Context, w Writer) error {
	soa := b.snap.SoA
	if soa == nil {
		return nil
	}
	for _, r := range soa.Rows {
		w.Key(r.ID)
		if _, ok := b.snap.Controls[r.ID]; ok {
			w.Link(r.ID, Ref{controlsLayout.Name, r.ID})
		} else {
			w.Text(r.ID)
		}
		w.Text(r.Title)
		if r.Applicable == nil {
			w.Mark("not decided", assess.StatusNotAssessed)
		} else {
			w.Yes(*r.Applicable)
		}
		w.Text(said(r.Reason))
		w.Text(said(r.Source))
		w.Text(said(r.State))
		b.implemented(w, r)
		w.Number(int64(r.Evidence))
		contradiction(w, r)
		if r.ApprovedBy == "" {
			w.Mark("not approved", assess.StatusNotAssessed)
		} else {
			w.Text(r.ApprovedBy)
		}
		w.Date(r.ApprovedAt)
		w.Link(soa.Version, evidenceRef(soa.Evidence))
		w.Text(r.Changed)
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

// implemented writes since when a control is in place. A control that is
// excluded is not.
func (b *Book) implemented(w Writer, r export.SoARow) {
	switch {
	case !r.Since.IsZero():
		w.Date(r.Since)
	case r.Applicable != nil && !*r.Applicable:
		w.Blank()
	default:
		w.Text(notEstablished)
	}
}

// contradiction writes what was seen of a control that is excluded. It is
// blank only for a control that is not.
func contradiction(w Writer, r export.SoARow) {
	switch {
	case strings.HasPrefix(r.Contradiction, notEstablished):
		w.Mark(r.Contradiction, assess.StatusNotAssessed)
	case r.Contradiction != "":
		w.Mark("excluded, but seen: "+r.Contradiction, assess.StatusFailing)
	case r.Applicable != nil && !*r.Applicable:
		w.Text("none seen")
	default:
		w.Blank()
	}
}

func said(s string) string {
	if strings.TrimSpace(s) == "" {
		return notEstablished
	}
	return s
}
