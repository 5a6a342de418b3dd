package corpus

import (
	"slices"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

var classesKnown = []fact.Class{fact.Package, fact.Import, fact.Host, fact.Env, fact.Model, fact.Key, fact.Call, fact.Setting,
	fact.Image, fact.Chart, fact.Resource, fact.Workload, fact.Action, fact.IAM, fact.ARN, fact.Port, fact.File, fact.Weights,
	fact.MCPServer, fact.Extension, fact.Trailer}

// The labels name products that have a signature, files and lines that exist;
// the corpus is as large as it is said to be.
func TestLabelsHold(t *testing.T) {
	repos, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	set, err := aisign.Load()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"openai-compatible": true} // an answer the labels allow for an address that nobody knows
	for _, s := range set.All() {
		known[s.ID] = true
	}
	files, eco := 0, map[string]bool{}
	for _, r := range repos {
		files += len(r.Files)
		for _, e := range r.Labels.Eco {
			eco[e] = true
		}
		var ids []string
		for _, u := range slices.Concat(r.Labels.Use, r.Labels.Aside) {
			for _, l := range u.Lines {
				for _, c := range l.Classes {
					if !slices.Contains(classesKnown, c) {
						t.Errorf("%s: no class %q", r.Name, c)
					}
				}
			}
			ids = append(ids, u.Providers...)
			if len(u.Lines) == 0 && u.Confidence == "" {
				t.Errorf("%s: %v has no place that shows it", r.Name, u.Providers)
			}
		}
		for _, m := range r.Labels.May {
			ids = append(ids, m.Provider)
		}
		for _, n := range r.Labels.Not {
			ids = append(ids, n.Provider)
		}
		for _, id := range ids {
			if !known[id] {
				t.Errorf("%s: no signature %q", r.Name, id)
			}
		}
	}
	t.Logf("%d repositories, %d files, %d ecosystems", len(repos), files, len(eco))
	if len(repos) < 70 || files < 450 || len(eco) < 12 {
		t.Errorf("the corpus is too small: %d repositories, %d files, %d ecosystems", len(repos), files, len(eco))
	}
}
