package sheets

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var itemsLayout = Layout{Name: "Population items",
	About: "Every item of every population with its result, and room to mark a sample.",
	Tab:   "3E6A94", Large: true, Flat: true, Frozen: 3, Columns: []Column{
		{"population", 30}, {"item type", 14}, {"item", 34}, {"name", 24}, {"event time (UTC)", 18}, {"systems", 22}, {"tier", 9},
		{"next move", 18}, {"evidence", 65}, {"in sample", 9}, {"result", 15}, {"reason", 60},
	}}

// inSample is what an auditor marks the items of a sample with.
func inSample() *Choices {
	return &Choices{Column: 9, Values: []string{"Y"}, Title: "In the sample", About: "Y: you chose this item. Left empty by the export."}
}

// items writes one row per item of a population. They stand together, in the
// order of the results.
func (b *Book) items(_ context.Context, w Writer) error {
	empty := make(map[string]bool)
	for _, p := range b.snap.Assessment.Populations {
		empty[p.Expectation] = p.Count == 0
	}
	first := make(map[string]bool)
	for _, r := range b.ordered() {
		none, known := empty[r.Expectation]
		if none || !known {
			continue // what stands for an empty or unknown population is no item
		}
		if !first[r.Expectation] {
			first[r.Expectation] = true
			w.Key(r.Expectation)
			w.Link(r.Expectation, Ref{populationsLayout.Name, r.Expectation})
		} else {
			w.Text(r.Expectation)
		}
		b.item(w, r)
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) item(w Writer, r *assess.Result) {
	w.Text(r.Subject.Type)
	w.Text(r.Subject.ID)
	w.Text(b.subjectSystem(r).Name)
	datep(w, b.happened(r))
	w.List(r.Systems)
	w.Text(firstOf(r.Tier, b.subjectSystem(r).Tier))
	w.Text(r.Owner)
	b.evidenceLink(w, r)
	w.Input()
	w.Status(r.Status)
	w.Text(r.Reason)
}
