package manifest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

func TestFor(t *testing.T) {
	for path, want := range map[string]string{
		"requirements.txt": "requirements", "a/Requirements-Dev.TXT": "requirements", "requirements/base.txt": "requirements",
		"deps/requirements.in": "requirements", "constraints.txt": "requirements", "x/test-requirements.txt": "requirements",
		"environment.yml": "conda-environment", "environment-gpu.yaml": "conda-environment", "a/conda.yml": "conda-environment",
		"vendor/modules.txt": "go-vendor", "a/vendor/modules.txt": "go-vendor", "pylock.dev.toml": "pylock",
		"src/App.CSPROJ": "msbuild", "Directory.Build.props": "msbuild", "build.gradle.kts": "gradle", "gradle/deps.gradle": "gradle",
		"gradle/ai.versions.toml": "version-catalog", "buildSrc/src/Deps.kt": "buildsrc", "project/Deps.scala": "sbt",
		"GEMFILE": "gemfile", "node_modules/x/package.json": "package.json", "Dockerfile": "", "requirements.md": "",
		"docs/text.txt": "", "modules.txt": "", "src/Deps.kt": "", "main.go": "", "README.md": "", "": "", "package.json.bak": "",
		"values.yaml": "", "docker-compose.yml": "", "environments.txt": "", "prerequirements": "",
	} {
		got := ""
		if r := For(path); r != nil {
			got = r.Name()
		}
		if got != want {
			t.Errorf("For(%q) = %q, want %q", path, got, want)
		}
	}
}

// TestEncodings reads the same requirements in the encodings that are met.
func TestEncodings(t *testing.T) {
	const plain = "# für alle\nopenai==1.0\ncohere\n"
	want := "2 pypi openai ==1.0\n3 pypi cohere\n"
	wide := func(order binary.AppendByteOrder, mark bool) []byte {
		var b []byte
		if mark {
			b = order.AppendUint16(b, 0xFEFF)
		}
		for _, u := range utf16.Encode([]rune(plain)) {
			b = order.AppendUint16(b, u)
		}
		return b
	}
	for name, data := range map[string][]byte{
		"UTF-8":               []byte(plain),
		"UTF-8 with a mark":   append([]byte{0xEF, 0xBB, 0xBF}, plain...),
		"UTF-16 LE":           wide(binary.LittleEndian, true),
		"UTF-16 BE":           wide(binary.BigEndian, true),
		"UTF-16 LE unmarked":  wide(binary.LittleEndian, false),
		"UTF-16 BE unmarked":  wide(binary.BigEndian, false),
		"Latin-1":             bytes.ReplaceAll([]byte(plain), []byte("ü"), []byte{0xFC}),
		"line ends of old":    []byte(strings.ReplaceAll(plain, "\n", "\r")),
		"line ends of others": []byte(strings.ReplaceAll(plain, "\n", "\r\n")),
	} {
		if diff := cmp.Diff(want, show(For("requirements.txt").Read("requirements.txt", data))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	project := `<?xml version="1.0" encoding="utf-16"?>` + "\n<Project><ItemGroup>\n<PackageReference Include=\"OpenAI\" Version=\"2\" />\n</ItemGroup></Project>"
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(project)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	if got := show(For("a.csproj").Read("a.csproj", b)); got != "3 nuget OpenAI 2\n" {
		t.Errorf("a project in UTF-16: %s", got)
	}
}

// Requirements of many files have a hash for each; lines that go on without end
// cost no more than others.
func TestLinesThatGoOn(t *testing.T) {
	hashes := strings.Repeat(" \\\n    --hash=sha256:"+strings.Repeat("ab", 32), 200)
	for name, c := range map[string]struct{ text, want string }{
		"hashes":      {"anthropic==1.0" + hashes + "\n    # via app\ncohere\n", "1 pypi anthropic ==1.0 [transitive] via app\n203 pypi cohere\n"},
		"hashes none": {"anthropic==1.0 --hash=sha256:00" + hashes + "\ncohere\n", "1 pypi anthropic ==1.0\n202 pypi cohere\n"},
		"extras":      {"langchain[openai," + strings.Repeat("e", 40) + "]==1\n", "1 pypi langchain[openai] ==1\n"},
		"parts":       {"open\\\n", "1 pypi open\n"},
		"the end":     {"openai \\\n  >=1 \\", "1 pypi openai >=1\n"},
		"no end":      {"openai==1 \\\n" + strings.Repeat("x\\\n", 1_000_000) + "\ncohere\n", ""},
	} {
		began := time.Now()
		got := show(For("requirements.txt").Read("requirements.txt", []byte(c.text)))
		if c.want != "" && got != c.want {
			t.Errorf("%s: %s", name, got)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

// TestBroken wants what stands before a fault, and the line and kind of the fault.
func TestBroken(t *testing.T) {
	tests := []struct{ path, text, want string }{
		{"package.json", "", "error: package.json: line 1: ends before its last bracket\n"},
		{"package.json", "{\"dependencies\": {\"openai\": \"1\",\n", "1 npm openai 1\nerror: package.json: line 2: ends before its last bracket\n"},
		{"package.json", "[1, 2]", ""},
		{"package.json", "{\"dependencies\": [\"openai\"], \"devDependencies\": 7}", ""},
		{"package.json", "{\"dependencies\": {\"openai\": {\"x\": 1}, \"ai\": null, \"b\": 5}}", "1 npm ai\n"},
		{"environment.yml", "dependencies:\n  - pytorch\n  - pip:\n    - openai\n   bad: [\n", "2 conda pytorch\n4 pypi openai\nerror: conda-environment: line 5: not valid YAML\n"},
		{"Cargo.toml", "[dependencies]\nasync-openai = \"1\"\nbad = \n[dev-dependencies]\nx = \"1\"\n", "2 cargo async-openai 1\n5 cargo x 1 [development]\nerror: cargo: line 3: not a value\n"},
		{"requirements.txt", "openai\nthis is no requirement\ncohere\n", "1 pypi openai\n3 pypi cohere\nerror: requirements: line 2: not a requirement\n"},
		{"go.sum", "a b\n", "error: go.sum: line 1: not a line of go.sum\n"},
		{"pom.xml", "<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId></dependency></wrong></dependencies></project>",
			"1 maven g:a\nerror: pom: line 1: an element ends that did not begin\n"},
		{"App.csproj", "<Project><ItemGroup><PackageReference Include=\"OpenAI\"/></Project>", "1 nuget OpenAI\nerror: msbuild: line 1: an element ends before those inside it\n"},
		{"package.json", "\x00\x01\x02\x03\x04", "error: package.json: line 1: not a text file\n"},
		{"package.json", "version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "error: package.json: line 1: not valid JSON\n"},
		{"Gemfile.lock", "GEM\n  specs:\n<<<<<<< HEAD\n    openai (1.0)\n", "error: gemfile-lock: line 3: an unfinished merge\n"},
		{"yarn.lock", "<<<<<<< HEAD\nopenai@1:\n  version \"1.0\"\n", "2 npm openai 1.0\nerror: yarn-lock: line 1: not the head of a package\n"},
	}
	for _, tt := range tests {
		got := show(For(tt.path).Read(tt.path, []byte(tt.text)))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", tt.path, tt.text, diff)
		}
	}
}

// TestBounds gives every reader what is made to be too much.
func TestBounds(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [openai, openai]\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1)
	}
	laughs.WriteString("dependencies: *a59\nself: &self [*self]\n")
	xmlBomb := `<!DOCTYPE x [<!ENTITY a "openai"><!ENTITY b "&a;&a;&a;&a;">]><project><dependencies><dependency><groupId>&b;</groupId><artifactId>a</artifactId></dependency></dependencies></project>`
	wide := `{"dependencies":{` + strings.Repeat(`"openai":"1",`, 310_000) + `"x":"1"}}`
	for name, tt := range map[string]struct{ path, text, want string }{
		"deep JSON":       {"package.json", strings.Repeat("[", 1_000_000), "deeper"},
		"deep JSON table": {"package.json", strings.Repeat(`{"a":`, 1_000_000), "deeper"},
		"deep TOML":       {"Cargo.toml", "x = " + strings.Repeat("[", 1_000_000), "deeper"},
		"deep TOML table": {"Cargo.toml", "x = " + strings.Repeat("{a=", 1_000_000), "deeper"},
		"deep TOML key":   {"Cargo.toml", strings.Repeat("a.", 1_000_000) + "b = 1", "too many parts"},
		"deep YAML":       {"environment.yml", "dependencies: " + strings.Repeat("[", 100_000), "not valid YAML"},
		"deep XML":        {"pom.xml", strings.Repeat("<a>", 500_000), "deeper"},
		"YAML aliases":    {"environment.yml", laughs.String(), ""},
		"XML entities":    {"pom.xml", xmlBomb, ""},
		"wide JSON":       {"package.json", wide, "more than 300000 packages"},
		"one long line":   {"requirements.txt", strings.Repeat("openai ", 5_000_000), "not a requirement"},
		"one long code":   {"build.gradle", "dependencies { implementation '" + strings.Repeat("a:b", 5_000_000), ""},
		"many brackets":   {"build.gradle", strings.Repeat("dependencies { ", 200_000), ""},
		"many lists":      {"setup.py", strings.Repeat("install_requires=[", 20_000), ""},
		"many names":      {"setup.py", strings.Repeat("A=[B]\n", 20_000) + strings.Repeat("install_requires=A\n", 20_000), ""},
		"many braces":     {"mix.exs", "defp deps do\n" + strings.Repeat("{:a, ", 100_000), ""},
		"many includes":   {"Gemfile", strings.Repeat("group :a do\n", 100_000), ""},
		"large":           {"package.json", strings.Repeat(" ", maxSize+1), "larger than 64 MB"},
		"go.mod":          {"go.mod", strings.Repeat("require x\n", 100_000), "not a"},
		"many templates":  {"requirements.txt", strings.Repeat("{% if a %}{{ b }}{% endif %}\n", 20_000), ""},
		"no end":          {"pom.xml", "<!--" + strings.Repeat("<dependency>", 200_000), "XML"},
		"many properties": {"pom.xml", "<project><properties><a>${b}${b}</a><b>${a}${a}</b></properties><dependencies><dependency><groupId>${a}</groupId><artifactId>x</artifactId></dependency></dependencies></project>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			facts, err := For(tt.path).Read(tt.path, []byte(tt.text))
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if len(facts) > maxFacts {
				t.Errorf("%d facts", len(facts))
			}
			if tt.want == "" {
				return
			}
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.What, tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestNoAddressIsKept looks for what stands in addresses, where credentials may be.
func TestNoAddressIsKept(t *testing.T) {
	secret := "gh" + "p_" + strings.Repeat("a1", 18)
	for path, text := range map[string]string{
		"requirements.txt": "a @ https://user:" + secret + "@example.com/a.git\ngit+https://" + secret + "@github.com/x/y.git\n--index-url https://" + secret + "@x/\nb @ https://x/y?token=" + secret + "\n-e git+https://" + secret + "@github.com/x/z.git@" + "v1#egg=z\n",
		"package.json":     `{"dependencies": {"a": "git+https://` + secret + `@github.com/x/y.git#v1", "b": "https://x/y.tgz?token=` + secret + `", "c": "https://x/` + secret + `@1"}}`,
		"pyproject.toml":   "[project]\ndependencies = [\"a @ https://" + secret + "@x/a.zip\"]\n[tool.poetry.dependencies]\nb = {git = \"https://" + secret + "@x/b.git\"}\n",
		"Cargo.toml":       "[dependencies]\na = {git = \"https://" + secret + "@x/a\"}\n",
		"Gemfile":          "gem 'a', git: 'https://" + secret + "@x/a'\n",
		"Package.swift":    ".package(url: \"https://" + secret + "@github.com/x/y\", from: \"1\")",
		"yarn.lock":        "\"a@https://" + secret + "@x/y.tgz\":\n  version \"1\"\n",
		"pnpm-lock.yaml":   "packages:\n  '@" + secret + ".com/x/y':\n    name: a\n    version: 1.0.0\n",
		"broken.json":      "",
		"composer.json":    `{"require": {"a/b": "dev-main", "` + secret,
	} {
		r := For(path)
		if r == nil {
			continue
		}
		if got := show(r.Read(path, []byte(text))); strings.Contains(got, secret) {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := show(Command("pip install git+https://"+secret+"@github.com/x/y.git && npm i https://"+secret+"@x/y.tgz", 1), nil); strings.Contains(got, secret) {
		t.Errorf("command: %s", got)
	}
}

// TestSorted holds the order and the promise that nothing is said twice.
func TestSorted(t *testing.T) {
	for _, s := range samples(t) {
		facts, _ := read(s)
		for i := 1; i < len(facts); i++ {
			if compare(facts[i-1], facts[i]) >= 0 {
				t.Errorf("%s: %+v before %+v", s.path, facts[i-1], facts[i])
			}
		}
		again, _ := read(s)
		if diff := cmp.Diff(facts, again, cmp.Comparer(func(a, b fact.Fact) bool { return compare(a, b) == 0 })); diff != "" {
			t.Errorf("%s: a second reading differs:\n%s", s.path, diff)
		}
	}
}
