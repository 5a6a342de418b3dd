package assess

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"io/fs"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// What comes with the program in one piece is what the files say: every field
// of every expectation.
func TestParsedExpectations(t *testing.T) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	want, l := load(cat, Options{Rules: rules})
	if err := l.err(); err != nil {
		t.Fatal(err)
	}
	text := writeParsed(t, l)
	if flag.Lookup("update").Value.String() == "true" { // as golden files are
		if err := os.WriteFile("../../config/expectations.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != config.Expectations {
		t.Error("expectations/ have changed: go test ./internal/assess -run TestParsedExpectations -update")
	}
	got, l := load(cat, Options{Parsed: string(text)})
	if err := l.err(); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d expectations are read of %d", len(got), len(want))
	}
	for i := range want {
		if a, b := want[i].node, got[i].node; a.File().Name() != b.File().Name() {
			t.Errorf("%s: in %s, read as in %s", want[i].Slug, a.File().Name(), b.File().Name())
		}
		want[i].standsAt(yamlfile.Place{})
		got[i].standsAt(yamlfile.Place{})
		if !reflect.DeepEqual(want[i], got[i]) {
			t.Errorf("%s: what is read is not what was written", want[i].Slug)
		}
	}
	if _, l := load(cat, Options{Parsed: string(text[:len(text)/2])}); l.err() == nil {
		t.Error("half of the expectations are read")
	}
}

// writeParsed writes the expectations of all files.
func writeParsed(t *testing.T, l *loader) []byte {
	t.Helper()
	files := map[string]*parsedFile{}
	var list []*parsedFile
	for _, f := range l.files {
		files[f.Name()] = &parsedFile{Path: f.Name()}
		list = append(list, files[f.Name()])
	}
	for _, e := range l.sorted() {
		out := *e
		out.Params = maps.Clone(e.Params)
		for name, v := range out.Params {
			if x, ok := v.(float64); ok {
				n := strconv.FormatFloat(x, 'f', -1, 64)
				if !strings.Contains(n, ".") {
					n += ".0"
				}
				out.Params[name] = json.Number(n)
			}
		}
		f := files[e.node.File().Name()]
		f.Expectations = append(f.Expectations, &out)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
