package readiness_test

import (
	"io/fs"
	"testing"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// shippedSlugs are the expectations that ship.
func shippedSlugs(t *testing.T) []string {
	t.Helper()
	c, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(c, assess.Options{Rules: rules, Trusted: true, Checked: config.Conditions})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range eng.Expectations() {
		out = append(out, e.Slug)
	}
	return out
}
