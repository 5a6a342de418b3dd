package aiscan

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// signatures loads the real data once for a test.
func signatures(t testing.TB) *aisign.Set {
	t.Helper()
	set, err := aisign.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// write makes a folder of files, given as path and text by turns.
func write(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// scanned is the report of a folder of files.
func scanned(t testing.TB, files ...string) Report {
	t.Helper()
	tree, err := Folder(write(t, files...))
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Scan(context.Background(), tree, Options{Signatures: signatures(t), Root: "acme/app"})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// brief is what a report says, one sighting a line.
func brief(r Report) string {
	var b strings.Builder
	for _, s := range r.Sightings {
		b.WriteString(s.Provider + " " + string(s.Scope) + " " + string(s.Confidence) + "\n")
	}
	return b.String()
}

func TestScan(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"nothing", []string{"main.py", "print('hello')\n"}, ""},
		{"an import", []string{"app/main.py", "import os\nfrom openai import OpenAI\nclient = OpenAI()\n"}, "openai product inferred\n"},
		{"raw REST", []string{"src/a.ts", "const r = await fetch('https://api.mistral.ai/v1/chat/completions', {method: 'POST'})\n"}, "mistral product inferred\n"},
		{"a comment", []string{"a.go", "package a\n// import \"github.com/openai/openai-go\"\n// https://api.openai.com\n"}, ""},
		{"a documentation string", []string{"a.py", "\"\"\"Calls https://api.openai.com with OPENAI_API_KEY.\"\"\"\nx = 1\n"}, ""},
		{"a test", []string{"tests/test_a.py", "import anthropic\n"}, "anthropic supporting inferred\n"},
		{"prose", []string{"README.md", "Set OPENAI_API_KEY and call https://api.openai.com\n"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := brief(scanned(t, c.files...)); got != c.want {
				t.Errorf("got:\n%swant:\n%s", got, c.want)
			}
		})
	}
}
