package bundle_test

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// Whatever a run or a file of rules is called, its path is one that the form
// allows and that leads nowhere else.
func TestPaths(t *testing.T) {
	for _, name := range []string{"0192ab", "", "../../etc/passwd", "a/b", "a\x00b", "Ünï", ".", "..", "-", "CON", string(make([]byte, 300))} {
		if p := bundle.RunFile(name); zipform.CheckName(p) != nil {
			t.Errorf("run %q: %q", name, p)
		}
		own := bundle.OwnRule(3, name+".yaml")
		if zipform.CheckName(bundle.RulesDir+own) != nil || !bundle.RulePath(own) {
			t.Errorf("rules %q: %q", name, own)
		}
	}
	if bundle.RunFile("a/b") == bundle.RunFile("a_b") {
		t.Error("two runs have one path")
	}
}
