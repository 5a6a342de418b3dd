package crosswalk_test

import (
	"testing"
	"testing/fstest"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
)

// FuzzLoad: a crosswalk is read whole or refused; what was read names only
// controls that there are.
func FuzzLoad(f *testing.F) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("framework: x\ntitle: X\nversion: '1'\ndate: 2026-01-01\nas_of: 2026-01-01\nnote: n\nsources: [{id: s, ref: r}]\n" +
		"items: [{id: I 1}]\npairs: [{control: '4.1', item: I 1, basis: published_community, sources: [s]}]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := crosswalk.Load(fstest.MapFS{"crosswalk/x.yaml": {Data: text}}, cat)
		if err != nil {
			return
		}
		for _, fw := range list {
			for _, p := range fw.Pairs {
				if _, ok := cat.Control(p.Control); !ok {
					t.Errorf("a pair with %q was read", p.Control)
				}
			}
		}
	})
}
