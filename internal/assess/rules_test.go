package assess_test

import (
	"io/fs"
	"testing"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
)

func shipped(t testing.TB) *assess.Engine {
	t.Helper()
	return compiled(t, assess.Options{})
}

func loadCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func compiled(t testing.TB, opts assess.Options) *assess.Engine {
	t.Helper()
	if opts.Rules == nil {
		sub, err := fs.Sub(config.FS, "expectations")
		if err != nil {
			t.Fatal(err)
		}
		opts.Rules = sub
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
