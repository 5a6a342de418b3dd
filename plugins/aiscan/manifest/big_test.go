package manifest

import (
	"fmt"
	"strings"
	"testing"
)

// big makes a lockfile of n packages in the form of each tool.
var big = map[string]func(n int) string{
	"package-lock.json": func(n int) string {
		return `{"name":"app","lockfileVersion":3,"packages":{"":{"dependencies":{"pkg-0":"^1"}}` + each(n, `,
    "node_modules/pkg-%d": {
      "version": "1.2.%[1]d",
      "resolved": "https://registry.npmjs.org/pkg-%[1]d/-/pkg-%[1]d-1.2.%[1]d.tgz",
      "integrity": "sha512-`+strings.Repeat("a", 86)+`==",
      "license": "MIT",
      "dependencies": { "pkg-%[2]d": "^1.2.0" },
      "engines": { "node": ">=14" }
    }`) + "}}"
	},
	"yarn.lock": func(n int) string {
		return "# yarn lockfile v1\n\n" + each(n, `
pkg-%d@^1.2.0:
  version "1.2.%[1]d"
  resolved "https://registry.yarnpkg.com/pkg-%[1]d/-/pkg-%[1]d-1.2.%[1]d.tgz#abcdef"
  integrity sha512-`+strings.Repeat("a", 86)+`==
  dependencies:
    pkg-%[2]d "^1.2.0"
`)
	},
	"pnpm-lock.yaml": func(n int) string {
		return "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      pkg-0: {specifier: ^1, version: 1.2.0}\npackages:\n" + each(n, `
  pkg-%d@1.2.%[1]d:
    resolution: {integrity: sha512-`+strings.Repeat("a", 86)+`==}
    engines: {node: '>=14'}
`) + "snapshots:\n" + each(n, `
  pkg-%d@1.2.%[1]d:
    dependencies:
      pkg-%[2]d: 1.2.%[2]d
`)
	},
	"poetry.lock": func(n int) string {
		return each(n, `
[[package]]
name = "pkg-%d"
version = "1.2.%[1]d"
description = "A package"
optional = false
python-versions = ">=3.8"
files = [
    {file = "pkg-1.2-py3-none-any.whl", hash = "sha256:`+strings.Repeat("a", 64)+`"},
    {file = "pkg-1.2.tar.gz", hash = "sha256:`+strings.Repeat("b", 64)+`"},
]

[package.dependencies]
pkg-%[2]d = ">=1.2"
`)
	},
	"Cargo.lock": func(n int) string {
		return "version = 3\n" + each(n, `
[[package]]
name = "pkg-%d"
version = "1.2.%[1]d"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "`+strings.Repeat("a", 64)+`"
dependencies = [
 "pkg-%[2]d",
]
`)
	},
	"go.sum": func(n int) string {
		return each(n, "github.com/acme/pkg-%d v1.2.%[1]d h1:"+strings.Repeat("a", 43)+"=\ngithub.com/acme/pkg-%[2]d v1.2.0/go.mod h1:"+strings.Repeat("a", 43)+"=\n")
	},
	"requirements.txt": func(n int) string {
		return each(n, "pkg-%d==1.2.%[1]d \\\n    --hash=sha256:"+strings.Repeat("a", 64)+" \\\n    --hash=sha256:"+strings.Repeat("b", 64)+"\n    # via pkg-%[2]d\n")
	},
	"pom.xml": func(n int) string {
		return "<project><dependencies>\n" + each(n, `    <dependency>
      <groupId>com.acme</groupId>
      <artifactId>pkg-%d</artifactId>
      <version>1.2.%[2]d</version>
    </dependency>
`) + "</dependencies></project>"
	},
}

// each writes a form for every number, with the next one beside it.
func each(n int, form string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form, i, (i+1)%n)
	}
	return b.String()
}

func BenchmarkFor(b *testing.B) {
	paths := []string{"src/components/deep/Button.tsx", "docs/notes.txt", "charts/app/values.yaml", "a/package.json", "main.go"}
	for b.Loop() {
		for _, p := range paths {
			For(p)
		}
	}
}

// TestBig holds that a large file is read whole.
func TestBig(t *testing.T) {
	for path, form := range big {
		facts, err := For(path).Read(path, []byte(form(2000)))
		if err != nil || len(facts) != 2000 {
			t.Errorf("%s: %d packages, %v", path, len(facts), err)
		}
	}
}
