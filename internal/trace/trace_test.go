package trace_test

import (
	"bytes"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/trace"
)

const page = "../../config/expectations/README.md"

// rowForm is a line of the generated table of connectors/README.md, which is
// held against what the connectors say of themselves.
var rowForm = regexp.MustCompile("(?m)^\\| \\[([a-z]+)\\]\\([^)]*\\) \\| `([a-z_.]+)` \\|")

func delivers(t *testing.T) trace.Delivers {
	t.Helper()
	text, err := os.ReadFile("../../connectors/README.md")
	if err != nil {
		t.Fatal(err)
	}
	from, err := trace.BuiltIn(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range rowForm.FindAllStringSubmatch(string(text), -1) {
		from[m[1]] = append(from[m[1]], m[2])
	}
	if len(from) < 10 {
		t.Fatalf("only %d sources found in connectors/README.md", len(from))
	}
	return from
}

func shipped(t *testing.T) (*catalog.Catalog, []trace.Control) {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(cat, assess.Options{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	return cat, trace.Table(cat, eng.InForce(), delivers(t))
}

// TestNoHoles: every control has expectations, and every kind that one needs
// has a source.
func TestNoHoles(t *testing.T) {
	_, table := shipped(t)
	for _, h := range trace.Holes(table) {
		t.Errorf("%s %s %s: %s", h.Control, h.Expectation, h.Kind, h.Why)
	}
}

// TestEveryStage: some expectation speaks for each stage of the life cycle.
func TestEveryStage(t *testing.T) {
	cat, table := shipped(t)
	for _, stage := range cat.Stages {
		reached := false
		for i, ctl := range cat.Controls {
			reached = reached || slices.Contains(ctl.Stages, stage.ID) && len(table[i].Expectations) > 0
		}
		if !reached {
			t.Errorf("no expectation speaks for the stage %s", stage.ID)
		}
	}
	if len(cat.Stages) != 8 {
		t.Errorf("%d stages, want 8", len(cat.Stages))
	}
}

// TestHolesAreFound: a control without expectations, and a kind without a
// source, do not go unnoticed.
func TestHolesAreFound(t *testing.T) {
	cat, _ := shipped(t)
	table := trace.Table(cat, []assess.InForce{
		{Slug: "a", Control: "5.2", Automation: "full", Kinds: []string{"document.revision", "document.approval"}, Optional: []string{"document.approval"}},
		{Slug: "b", Control: "A.2.2", Automation: "full", Kinds: []string{"document.approval"}, Optional: []string{"document.approval"}},
		{Slug: "c", Control: "A.2.3", Automation: "full", Off: "why", Kinds: []string{"document.approval"}},
	}, trace.Delivers{})
	holes := trace.Holes(table)
	for _, want := range []trace.Hole{
		{Control: "4.1", Why: "no expectation speaks for it"},
		{Control: "5.2", Expectation: "a", Kind: "document.revision", Why: "no source delivers it"},
		{Control: "A.2.2", Expectation: "b", Why: "no source delivers any of its kinds"},
		{Control: "A.2.3", Why: "no expectation speaks for it"},
	} {
		if !slices.Contains(holes, want) {
			t.Errorf("not found: %+v", want)
		}
	}
}

// TestPage holds the page's table against the rules and the connectors.
// EXHIBIT_UPDATE=1 writes it anew.
func TestPage(t *testing.T) {
	_, table := shipped(t)
	var b bytes.Buffer
	if err := trace.WriteMarkdown(&b, table); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(was), "<!-- generated -->\n")
	if !ok {
		t.Fatal("the page has no <!-- generated --> mark")
	}
	want := head + "<!-- generated -->\n" + b.String()
	if os.Getenv("EXHIBIT_UPDATE") != "" {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(was) != want {
		t.Error("config/expectations/README.md is not what the rules and connectors give; EXHIBIT_UPDATE=1 go test ./internal/trace writes it")
	}
}
