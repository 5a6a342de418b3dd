package yamlfile_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

type person struct {
	ID     string    `yaml:"id,required"`
	Name   string    `yaml:"name"`
	Since  time.Time `yaml:"since"`
	Active *bool     `yaml:"active"`
}

type sample struct {
	Version int               `yaml:"version,required"`
	Title   string            `yaml:"title,required"`
	Ratio   float64           `yaml:"ratio"`
	Window  time.Duration     `yaml:"window"`
	People  []person          `yaml:"people"`
	Labels  map[string]string `yaml:"labels"`
	Config  json.RawMessage   `yaml:"config"`
	Later   yamlfile.Node     `yaml:"later"`
	hidden  string
}

const good = `version: 1
title: "é — a title"
ratio: 2
window: 365d
people:
  - {id: ann, since: 2025-02-03, active: false}
  - id: bob
    name: |
      Bob
        B.
    since: 2025-02-03T04:05:06+02:00
labels: {A.6.2.5: x, "yes": no}
config:
  n: 3
  list: [1.5, true, null, text]
later: [1, 2]
`

func TestDecode(t *testing.T) {
	f, err := yamlfile.Parse("x.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	got := sample{hidden: "kept"}
	f.Decode(&got)
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	no := false
	want := sample{
		Version: 1, Title: "é — a title", Ratio: 2, Window: 365 * 24 * time.Hour,
		People: []person{
			{ID: "ann", Since: time.Date(2025, 2, 3, 0, 0, 0, 0, time.UTC), Active: &no},
			{ID: "bob", Name: "Bob\n  B.\n", Since: time.Date(2025, 2, 3, 2, 5, 6, 0, time.UTC)},
		},
		Labels: map[string]string{"A.6.2.5": "x", "yes": "no"},
		Config: json.RawMessage(`{"list":[1.5,true,null,"text"],"n":3}`),
		hidden: "kept",
	}
	later := got.Later
	got.Later = yamlfile.Node{}
	opts := cmp.Options{cmp.AllowUnexported(sample{}), cmp.Comparer(func(a, b yamlfile.Node) bool { return a.Shape() == b.Shape() })}
	if d := cmp.Diff(want, got, opts); d != "" {
		t.Error(d)
	}
	if later.Len() != 2 || later.Path().String() != "later" {
		t.Errorf("later: %d items at %s", later.Len(), later.Path())
	}
	var numbers []int
	later.Decode(&numbers)
	if d := cmp.Diff([]int{1, 2}, numbers); d != "" {
		t.Error(d)
	}
}

// Every problem appears at once, in the order of the text, each under its line.
func TestProblems(t *testing.T) {
	src := `version: "1"
titel: x
ratio: much
window: 3 weeks
people:
  - name: 12
    since: 2025-02-30
    id: a
    id: b
  - nome: z
labels:
  k: 1.0
  k: two
`
	f, err := yamlfile.Parse("x.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	var got sample
	f.Decode(&got)
	f.Problemf(yamlfile.At("people", 0, "since"), "too old").Hint("renew it")
	f.Problemf(yamlfile.At("people", 0, "email"), "no address")
	want := `x.yaml:1:1: title is missing
  1 | version: "1"
    | ^
x.yaml:1:10: version: want a whole number, this is text
  1 | version: "1"
    |          ^
x.yaml:2:1: unknown key "titel"
  2 | titel: x
    | ^
  hint: did you mean title?
x.yaml:3:8: ratio: want a number, this is text
  3 | ratio: much
    |        ^
x.yaml:4:9: window: "3 weeks" is not a duration
  4 | window: 3 weeks
    |         ^
  hint: write 365d, 36h, 30m or 90s
x.yaml:6:5: people[0].email: no address
  6 |   - name: 12
    |     ^
x.yaml:6:11: people[0].name: want text, this is a number
  6 |   - name: 12
    |           ^
  hint: put it in quotes: "12"
x.yaml:7:12: people[0].since: "2025-02-30" is not a date or time
  7 |     since: 2025-02-30
    |            ^
  hint: write 2026-05-01 or 2026-05-01T09:30:00Z
x.yaml:7:12: people[0].since: too old
  7 |     since: 2025-02-30
    |            ^
  hint: renew it
x.yaml:9:5: people[0].id: is written twice
  9 |     id: b
    |     ^
x.yaml:10:5: people[1]: unknown key "nome"
  10 |   - nome: z
     |     ^
  hint: did you mean name?
x.yaml:10:5: people[1]: id is missing
  10 |   - nome: z
     |     ^
x.yaml:12:6: labels.k: want text, this is a number
  12 |   k: 1.0
     |      ^
  hint: put it in quotes: "1.0"
x.yaml:13:3: labels.k: is written twice
  13 |   k: two
     |   ^`
	if d := cmp.Diff(want, f.Err().Error()); d != "" {
		t.Error(d)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"anchor and alias":  {"a: &x 1\nb: *x\n", "1:4: anchors are not supported"},
		"merge key":         {"a: {<<: {b: 1}}\n", "merge keys are not supported"},
		"tag":               {"a: !!binary aGk=\n", "tags are not supported"},
		"deep flow":         {strings.Repeat("[", 100000), "nested too deeply"},
		"deep block":        {strings.Repeat("- ", 100000), "nested too deeply"},
		"second document":   {"a: 1\n---\nb: 2\n", "3:1: a second document"},
		"unclosed":          {"a: [1\nb: 2\n", "not valid YAML"},
		"tab":               {"a:\n\t- b\n", "not valid YAML"},
		"not UTF-8":         {"a: 1\nb: \xff\n", "2:4: not text in UTF-8"},
		"zero byte":         {"a: \x00\n", "not text in UTF-8"},
		"larger than limit": {strings.Repeat("#", yamlfile.MaxBytes+1), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := yamlfile.Parse("x.yaml", []byte(c.src))
			var ps yamlfile.Problems
			if !errors.As(err, &ps) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want Problems with %q", err, c.want)
			}
		})
	}
}

// What stands in a file may be meant for the reader's terminal.
func TestExcerptIsHarmless(t *testing.T) {
	src := "aé: \"\x1b[2J" + strings.Repeat("x", 500) + "\"\n"
	f, err := yamlfile.Parse("x.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	f.Decode(&struct{}{})
	msg := f.Err().Error()
	if strings.ContainsRune(msg, '\x1b') || len(msg) > 400 {
		t.Errorf("the excerpt is not cut or cleaned: %q", msg)
	}
}

func TestProblemWithin(t *testing.T) {
	src := "plain: a + b\nquoted: 'a + b'\nblock: |\n\n  a +\n    b\nfolded: >\n  a\n  b\n"
	f, err := yamlfile.Parse("x.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key       string
		line, col int
		want      [2]int
	}{
		{"plain", 1, 4, [2]int{1, 12}},
		{"quoted", 1, 4, [2]int{2, 14}},
		{"block", 3, 2, [2]int{6, 5}},
		{"folded", 1, 1, [2]int{7, 9}},
		{"absent", 1, 1, [2]int{1, 1}},
	} {
		p := f.ProblemWithin(yamlfile.At(c.key), c.line, c.col, "m")
		if got := [2]int{p.Line, p.Column}; got != c.want {
			t.Errorf("%s: got %v, want %v", c.key, got, c.want)
		}
	}
}

func TestEmptyFileLacksWhatIsRequired(t *testing.T) {
	f, err := yamlfile.Parse("x.yaml", []byte("# nothing\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got sample
	f.Decode(&got)
	if err := f.Err(); err == nil || !strings.Contains(err.Error(), "title is missing") {
		t.Errorf("got %v", err)
	}
}

func TestReadAndJoin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	if _, err := yamlfile.Read(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if err := os.WriteFile(path, []byte("a: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, syntax := yamlfile.Read(path)
	other := errors.New("other")
	joined := yamlfile.Join(nil, syntax, other, syntax)
	var ps yamlfile.Problems
	if !errors.As(joined, &ps) || len(ps) != 2 || !errors.Is(joined, other) {
		t.Errorf("got %v", joined)
	}
	if yamlfile.Join(nil, nil) != nil {
		t.Error("nothing joined is not nil")
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"365d": 365 * 24 * time.Hour, "1d12h": 36 * time.Hour, "30m": 30 * time.Minute, "0s": 0,
		"": -1, "d": -1, "-1h": -1, "+1h": -1, "1w": -1, "-3d": -1, "99999999d": -1, "1d-1h": -1,
	} {
		got, err := yamlfile.ParseDuration(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

// No input panics, and every problem has a place within the file.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a: &x [*x]\n? - b\n: - - - c\n"))
	f.Add([]byte("people:\n- id: |\n\n  x\n- since: >-\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := yamlfile.Parse("x.yaml", src)
		if err == nil {
			var v sample
			file.Decode(&v)
			var free any
			file.Decode(&free)
			err = file.Err()
		}
		var ps yamlfile.Problems
		if err != nil && !errors.As(err, &ps) {
			t.Fatalf("an error that is no Problems: %v", err)
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, p := range ps {
			if p.Line > lines || p.Message == "" || (p.Line > 0 && p.Column < 1) {
				t.Fatalf("problem without a place: %+v (file has %d lines)", p, lines)
			}
		}
	})
}
