package manifest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var update = flag.Bool("update", false, "write what the readers find into testdata")

// sample is one file of the archives in testdata, with what is to be found in it.
type sample struct {
	archive string
	path    string
	data    []byte
	want    string
}

// samples reads the archives. Each file is followed by one named "want: path".
func samples(t testing.TB) []sample {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	var out []sample
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range a.Files {
			if strings.HasPrefix(f.Name, "want: ") {
				continue
			}
			s := sample{archive: name, path: f.Name, data: f.Data}
			if i+1 < len(a.Files) && a.Files[i+1].Name == "want: "+f.Name {
				s.want = string(a.Files[i+1].Data)
			}
			out = append(out, s)
		}
	}
	return out
}

// show prints facts as the archives have them.
func show(facts []fact.Fact, err error) string {
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "%d %s %s", f.Line, f.Group, f.Name)
		if f.Version != "" {
			fmt.Fprintf(&b, " %s", strings.ReplaceAll(f.Version, " ", "_"))
		}
		if f.Standing != fact.Direct {
			fmt.Fprintf(&b, " [%s]", f.Standing)
		}
		if f.Via != "" {
			fmt.Fprintf(&b, " via %s", f.Via)
		}
		for _, key := range []string{attrAlias, attrExplain} {
			if v := f.Attrs[key]; v != "" {
				fmt.Fprintf(&b, " %s=%s", key, strings.ReplaceAll(v, " ", ","))
			}
		}
		b.WriteByte('\n')
	}
	if err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	return b.String()
}

// read reads a sample with its reader, or as a script if it has none.
func read(s sample) ([]fact.Fact, error) {
	if r := For(s.path); r != nil {
		return r.Read(s.path, s.data)
	}
	return Script(s.path, s.data)
}

func TestFormats(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(filepath.Base(s.archive)+"/"+s.path, func(t *testing.T) {
			got := show(read(s))
			if *update {
				return
			}
			if diff := cmp.Diff(s.want, got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
			if strings.Contains(got, "error:") && !strings.HasPrefix(s.path, "broken/") {
				t.Errorf("a sample that is not broken: %s", got)
			}
			if s.want == "" && !strings.Contains(s.path, "empty") {
				t.Errorf("nothing is said of what is to be found")
			}
		})
	}
	if *update {
		rewrite(t)
	}
}

func rewrite(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out := &txtar.Archive{Comment: a.Comment}
		for _, f := range a.Files {
			if strings.HasPrefix(f.Name, "want: ") {
				continue
			}
			got := show(read(sample{path: f.Name, data: f.Data}))
			out.Files = append(out.Files, f, txtar.File{Name: "want: " + f.Name, Data: []byte(got)})
		}
		if err := os.WriteFile(name, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryFormatHasASample keeps the archives complete.
func TestEveryFormatHasASample(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range samples(t) {
		if r := For(s.path); r != nil && s.want != "" {
			seen[r.Name()] = true
		}
	}
	var formats []*format
	for _, f := range byName {
		formats = append(formats, f)
	}
	for _, e := range byEnding {
		formats = append(formats, e.format)
	}
	formats = append(formats, requirementsFormat, condaEnvFormat, buildSrcFormat, sbtFormat, pylockFormat, vendorFormat)
	for _, f := range formats {
		if !seen[f.name] {
			t.Errorf("%s: no sample in testdata", f.name)
		}
	}
}

// TestLineEnds holds files of other systems against the same facts.
func TestLineEnds(t *testing.T) {
	for _, s := range samples(t) {
		want := show(read(s))
		s.data = bytes.ReplaceAll(s.data, []byte("\n"), []byte("\r\n"))
		if diff := cmp.Diff(want, show(read(s))); diff != "" {
			t.Errorf("%s: with CR LF (-want +got):\n%s", s.path, diff)
		}
		s.data = append([]byte{0xEF, 0xBB, 0xBF}, s.data...)
		if diff := cmp.Diff(want, show(read(s))); diff != "" {
			t.Errorf("%s: with a byte order mark (-want +got):\n%s", s.path, diff)
		}
	}
}

// TestBlankLines puts empty lines before a file: only the lines change.
func TestBlankLines(t *testing.T) {
	for _, s := range samples(t) {
		if bytes.HasPrefix(s.data, []byte("<?xml")) {
			continue // a declaration must come first
		}
		facts, err := read(s)
		for i := range facts {
			facts[i].Line += 3
		}
		if e := AsError(err); e != nil && e.Line > 0 {
			e.Line += 3
		}
		s.data = append([]byte("\n\n\n"), s.data...)
		if diff := cmp.Diff(show(facts, err), show(read(s))); diff != "" {
			t.Errorf("%s: behind three empty lines (-want +got):\n%s", s.path, diff)
		}
	}
}

// TestTorn reads every beginning of every file: no crash, and of each fact the
// line is one that the file has.
func TestTorn(t *testing.T) {
	for _, s := range samples(t) {
		whole := s.data
		for n := 0; n < len(whole); n += 1 + len(whole)/100 {
			s.data = whole[:n]
			facts, _ := read(s)
			lines := 1 + bytes.Count(s.data, []byte("\n"))
			for _, f := range facts {
				if f.Line < 1 || f.Line > lines || f.Name == "" || f.Group == "" || f.Class != fact.Package {
					t.Fatalf("%s, first %d bytes: %+v", s.path, n, f)
				}
			}
		}
	}
}
