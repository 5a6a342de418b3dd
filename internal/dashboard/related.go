package dashboard

import (
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
)

// relatedOf lays the crosswalks out by control.
func relatedOf(cat *catalog.Catalog, frameworks []crosswalk.Framework) map[string][]related {
	out := map[string][]related{}
	for _, fw := range frameworks {
		for _, id := range cat.ControlIDs() {
			r := related{Framework: fw.Title + " " + fw.Version}
			for _, p := range fw.Of(id) {
				item, _ := fw.Item(p.Item)
				r.Items = append(r.Items, relatedItem{p.Item, item.Title, p.Basis.Words()})
			}
			if len(r.Items) > 0 {
				out[id] = append(out[id], r)
			}
		}
	}
	return out
}
