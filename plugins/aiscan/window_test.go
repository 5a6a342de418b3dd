package aiscan

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// A large file is read in parts, and what a part begins inside of is known.
func TestWindows(t *testing.T) {
	filler := strings.Repeat("nothing is said here, and at length\n", 5<<20/36)
	for _, c := range []struct{ name, file, text, want string }{
		{"a comment", "a.go", "package a\n/*\n" + filler + "x := \"https://api.mistral.ai\"\n*/\nvar y = \"https://api.groq.com\"\n", "groq product inferred\n"},
		{"documentation", "a.py", "\"\"\"\n" + filler + "call('https://api.mistral.ai')\n\"\"\"\ny = 'https://api.groq.com'\n", "groq product inferred\n"},
		{"a raw string", "a.go", "package a\nvar t = `\n" + filler + "`\nvar y = \"https://api.groq.com\"\n// `\n", "groq product inferred\n"},
		{"a comment of one line", "a.js", "// " + strings.Repeat("x ", 3<<20) + "fetch('https://api.mistral.ai')\nfetch('https://api.groq.com')\n", "groq product inferred\n"},
		{"XML", "a.xml", "<a>\n<!--\n" + filler + "<u>https://api.mistral.ai</u>\n-->\n<u>https://api.groq.com</u>\n</a>\n", "groq product inferred\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep := scanned(t, c.file, c.text)
			if got := brief(rep); got != c.want {
				t.Fatalf("got:\n%swant:\n%s", got, c.want)
			}
			line := strings.Count(c.text[:strings.Index(c.text, "https://api.groq")], "\n") + 1
			if got := rep.Sightings[0].Signals[0].Line; got != line {
				t.Errorf("line %d, want %d", got, line)
			}
		})
	}
}

// A large text in which something is found everywhere takes time that grows
// with its size, not with its square, with which it would not end.
func TestDense(t *testing.T) {
	text := "var x = \"" + strings.Repeat("https://api.mistral.ai/v1 ", 12<<20/26) + "\"\n"
	if got := brief(scanned(t, "a.js", text)); got != "mistral product inferred\n" {
		t.Errorf("got %q", got)
	}
}

// One scanner reads several trees, each as a scan of its own does.
func TestScannerAgain(t *testing.T) {
	s, err := New(Options{Signatures: signatures(t)})
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"a.py", "import anthropic\nc = anthropic.Anthropic()\n"}
	dir := write(t, files...)
	for _, root := range []string{"acme/one", "acme/two"} {
		var reports [][]byte
		for _, scan := range []func(Tree) (Report, error){
			func(tree Tree) (Report, error) { return s.Scan(context.Background(), tree, root) },
			func(tree Tree) (Report, error) {
				return Scan(context.Background(), tree, Options{Signatures: signatures(t), Root: root})
			},
		} {
			tree, err := Folder(dir)
			if err != nil {
				t.Fatal(err)
			}
			rep, err := scan(tree)
			if err != nil || rep.Root != root || len(rep.Sightings) != 1 {
				t.Fatalf("%v %+v", err, rep)
			}
			reports = append(reports, []byte(brief(rep)+rep.Sightings[0].ID))
		}
		if !bytes.Equal(reports[0], reports[1]) {
			t.Errorf("%s and %s", reports[0], reports[1])
		}
	}
}
