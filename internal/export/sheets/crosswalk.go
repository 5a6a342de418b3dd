package sheets

import (
	"context"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
)

var crosswalkLayout = Layout{Name: "Crosswalk",
	About: "Where evidence of a control may serve another framework too. A pair is a relation to be reviewed, never an equality.",
	Tab:   "6C757D", Large: true, Frozen: 2, Columns: []Column{
		{"42001 id", 10}, {"title", 34}, {"framework", 26}, {"framework version", 48}, {"version date", 18}, {"target", 16}, {"target title", 36},
		{"applies from", 18}, {"basis", 22}, {"proposed", 11}, {"sources", 34}, {"note", 44}, {"twin", 6}, {"status of the 42001 item", 15},
		{"evidence items", 9},
	}}

// crosswalk writes one row per pair.
func (b *Book) crosswalk(_ context.Context, w Writer) error {
	controls := make(map[string]*assess.Control)
	for i := range b.snap.Assessment.Controls {
		controls[b.snap.Assessment.Controls[i].ID] = &b.snap.Assessment.Controls[i]
	}
	for i := range b.snap.Crosswalk {
		fw := &b.snap.Crosswalk[i]
		for _, p := range fw.Pairs {
			b.pair(w, fw, p, controls[p.Control])
			if err := w.End(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Book) pair(w Writer, fw *crosswalk.Framework, p crosswalk.Pair, c *assess.Control) {
	item, _ := fw.Item(p.Item)
	if c == nil {
		c = &assess.Control{ID: p.Control}
	}
	w.Link(p.Control, Ref{controlsLayout.Name, p.Control})
	w.Text(c.Title)
	w.Text(fw.Title)
	w.Text(fw.Version)
	w.Date(fw.Date)
	w.Text(p.Item)
	w.Text(item.Title)
	w.Date(item.AppliesFrom)
	w.Text(p.Basis.Words())
	if p.Basis == crosswalk.Proposed {
		w.Mark("PROPOSED", assess.StatusPendingReview)
	} else {
		w.Blank()
	}
	w.List(sourcesOf(fw, p))
	w.Text(p.Note)
	if p.Twin {
		w.Text("Y")
	} else {
		w.Blank()
	}
	w.Status(c.Status)
	w.Number(int64(b.itemsOf(p.Control)))
}

// sourcesOf says where a pair was published.
func sourcesOf(fw *crosswalk.Framework, p crosswalk.Pair) []string {
	var out []string
	for _, id := range p.Sources {
		for _, s := range fw.Sources {
			if s.ID == id {
				out = append(out, strings.TrimSpace(id+": "+s.Ref))
			}
		}
	}
	return out
}

// itemsOf counts the pieces of evidence that the results of a control rest on.
func (b *Book) itemsOf(control string) int {
	seen := make(map[citation]bool)
	for _, r := range b.results[control] {
		for _, d := range r.Evidence {
			seen[citationOf(d)] = true
		}
	}
	return len(seen)
}
