package crosswalk_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
)

func load(t *testing.T) ([]crosswalk.Framework, *catalog.Catalog) {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	list, err := crosswalk.Load(config.FS, cat)
	if err != nil {
		t.Fatal(err)
	}
	return list, cat
}

// TestShipped: three frameworks, of NIST all 72 subcategories, and of the
// catalog's controls none without a pair but those known to have none.
func TestShipped(t *testing.T) {
	list, cat := load(t)
	pairs := map[string]int{}
	for _, fw := range list {
		pairs[fw.ID] = len(fw.Pairs)
		var alone []string
		for _, id := range cat.ControlIDs() {
			if len(fw.Of(id)) == 0 {
				alone = append(alone, id)
			}
		}
		want := map[string][]string{"eu-ai-act": {"6.1.1", "9.2.2", "9.3.1", "9.3.2", "9.3.3"}, "iso27001": {"6.1.4", "8.4"}}[fw.ID]
		if !slices.Equal(alone, want) {
			t.Errorf("%s: controls without a pair: %v, want %v", fw.ID, alone, want)
		}
	}
	if pairs["nist-ai-rmf"] != 341 || pairs["eu-ai-act"] != 195 || pairs["iso27001"] != 93 || len(pairs) != 3 {
		t.Errorf("pairs: %v", pairs)
	}
	for _, fw := range list {
		groups := map[string]int{}
		for _, it := range fw.Items {
			groups[it.Group]++
			if fw.ID == "eu-ai-act" && (it.Title == "" || it.AppliesFrom.IsZero()) {
				t.Errorf("%s has no title or no date of application", it.ID)
			}
		}
		if fw.ID == "nist-ai-rmf" && (len(fw.Items) != 72 || len(groups) != 4) {
			t.Errorf("%d subcategories in %v", len(fw.Items), groups)
		}
		if fw.ID == "eu-ai-act" && !strings.Contains(fw.Note, "no presumption of conformity") {
			t.Error("the note does not say that there is no presumption of conformity")
		}
	}
}

func TestManyToMany(t *testing.T) {
	list, _ := load(t)
	i := slices.IndexFunc(list, func(fw crosswalk.Framework) bool { return fw.ID == "iso27001" })
	if got := list[i].Of("A.10.3"); len(got) != 5 || got[len(got)-1].Basis != crosswalk.Proposed {
		t.Errorf("A.10.3: %+v", got)
	}
	if got := list[i].To("a.5.19"); len(got) != 2 {
		t.Errorf("A.5.19: %+v", got)
	}
	if got := list[i].Of("4.1"); len(got) != 1 || !got[0].Twin {
		t.Errorf("4.1: %+v", got)
	}
}

func TestRefused(t *testing.T) {
	_, cat := load(t)
	head := "framework: x\ntitle: X\nversion: '1'\ndate: 2026-01-01\nas_of: 2026-01-01\nnote: n\nsources: [{id: s, ref: r}]\nitems: [{id: I 1}]\n"
	for pair, want := range map[string]string{
		"{control: A.10.33, item: I 1, basis: proposed}":                                                 "did you mean A.10.3?",
		"{control: '4.1', item: I 2, basis: proposed}":                                                   "did you mean I 1?",
		"{control: '4.1', item: I 1, basis: guessed, sources: [s]}":                                      `unknown basis "guessed"`,
		"{control: '4.1', item: I 1, basis: proposed, sources: [s]}":                                     "either published",
		"{control: '4.1', item: I 1, basis: published_community}":                                        "either published",
		"{control: '4.1', item: I 1, basis: proposed}\n  - {control: '4.1', item: I 1, basis: proposed}": "paired twice",
	} {
		fsys := fstest.MapFS{"crosswalk/x.yaml": {Data: []byte(head + "pairs:\n  - " + pair + "\n")}}
		if _, err := crosswalk.Load(fsys, cat); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %v", pair, want, err)
		}
	}
}
