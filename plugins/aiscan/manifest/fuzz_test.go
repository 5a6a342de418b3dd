package manifest

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// families are the readers by the parser they share: each has a target of its own.
var families = map[string][]string{
	"lines":   {"requirements.txt", "setup.cfg", "yarn.lock", "go.sum", "Gemfile.lock", "paket.lock", "DESCRIPTION", "a.cabal", "mix.lock", "vendor/modules.txt"},
	"json":    {"package.json", "package-lock.json", "bun.lock", "deno.lock", "packages.lock.json", "composer.lock"},
	"yaml":    {"environment.yml", "pnpm-lock.yaml", "meta.yaml", "pubspec.yaml", "Podfile.lock"},
	"toml":    {"pyproject.toml", "poetry.lock", "uv.lock", "Cargo.toml", "Cargo.lock", "libs.versions.toml"},
	"xml":     {"pom.xml", "a.csproj", "ivy.xml", "a.nuspec"},
	"code":    {"setup.py", "Gemfile", "build.gradle", "build.sbt", "mix.exs", "Package.swift", "deps.edn", "project.clj", "conanfile.py", "cpanfile", "a.rockspec", "MODULE.bazel"},
	"modfile": {"go.mod", "go.work"},
}

// seeds gives a target the samples of its family.
func seeds(f *testing.F, family string) []string {
	paths := families[family]
	for _, s := range samples(f) {
		for _, p := range paths {
			if For(s.path) != nil && For(p) == For(s.path) {
				f.Add(s.data)
			}
		}
	}
	return paths
}

// holds checks what every reading promises, of whatever bytes.
func holds(t *testing.T, path string, data []byte) {
	t.Helper()
	facts, err := For(path).Read(path, data)
	lines := 1 + bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r"))
	for i, p := range facts {
		if p.Class != fact.Package || p.Name == "" || p.Group == "" || len(p.Name) > maxName || !utf8.ValidString(p.Name+p.Version) {
			t.Fatalf("%s: %+v", path, p)
		}
		if p.Line < 1 || p.Line > lines && !bytes.Contains(data, []byte{0}) {
			t.Fatalf("%s: line %d of %d: %+v", path, p.Line, lines, p)
		}
		if strings.Contains(p.Name+p.Version, "://") || strings.ContainsRune(p.Name+p.Version, blank) {
			t.Fatalf("%s: %+v", path, p)
		}
		if i > 0 && compare(facts[i-1], p) >= 0 {
			t.Fatalf("%s: not in order: %+v, %+v", path, facts[i-1], p)
		}
	}
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.What == "the reader gave up") {
		t.Fatalf("%s: %v", path, err)
	}
}

func fuzzFamily(f *testing.F, family string) {
	paths := seeds(f, family)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		for _, p := range paths {
			holds(t, p, data)
		}
	})
}

func FuzzLines(f *testing.F)   { fuzzFamily(f, "lines") }
func FuzzJSON(f *testing.F)    { fuzzFamily(f, "json") }
func FuzzYAML(f *testing.F)    { fuzzFamily(f, "yaml") }
func FuzzXML(f *testing.F)     { fuzzFamily(f, "xml") }
func FuzzTables(f *testing.F)  { fuzzFamily(f, "toml") }
func FuzzCode(f *testing.F)    { fuzzFamily(f, "code") }
func FuzzModfile(f *testing.F) { fuzzFamily(f, "modfile") }

func FuzzCommand(f *testing.F) {
	f.Add("RUN pip install \\\n openai # x")
	f.Add("npx -y @a/b && bash -c 'pip install c'")
	f.Fuzz(func(t *testing.T, shell string) {
		for _, p := range Command(shell, 1) {
			if p.Name == "" || p.Group == "" || p.Line < 1 || p.Line > 1+strings.Count(shell, "\n") || strings.Contains(p.Name+p.Version, "://") {
				t.Fatalf("%q: %+v", shell, p)
			}
		}
	})
}

func FuzzScript(f *testing.F) {
	for _, s := range samples(f) {
		if For(s.path) == nil {
			f.Add(s.path, s.data)
		}
	}
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		facts, _ := Script(path, data)
		for _, p := range facts {
			if p.Name == "" || p.Group == "" || p.Line < 1 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
