package assess_test

import (
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// shippedOnce compiles the shipped expectations for all tests: an Engine does
// not change.
var shippedOnce = sync.OnceValues(func() (*assess.Engine, error) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		return nil, err
	}
	sub, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		return nil, err
	}
	return assess.Compile(cat, assess.Options{Rules: sub})
})

func shipped(t testing.TB) *assess.Engine {
	t.Helper()
	eng, err := shippedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return eng
}

func loadCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// compiled compiles rules; without any in opts those that are shipped, as the
// program has them. shipped takes the files that they are made from.
func compiled(t testing.TB, opts assess.Options) *assess.Engine {
	t.Helper()
	if opts.Rules == nil {
		opts.Trusted, opts.Parsed, opts.Checked = true, config.Expectations, config.Conditions
	}
	eng, err := assess.Compile(loadCatalog(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	return eng
}

func TestShippedRulesCompile(t *testing.T) {
	shipped(t)
}

// emptyRules is a directory without any expectation.
func emptyRules() fs.FS { return fstest.MapFS{} }
