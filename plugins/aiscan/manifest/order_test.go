package manifest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// shuffled is a file whose parts may stand in any order.
type shuffled struct {
	path, head, tail, between string
	parts                     []string
}

var orders = []shuffled{
	{path: "requirements.txt", parts: []string{"openai==1\n", "torch>=2 ; python_version > '3'\n", "# cohere==5\n", "-e git+https://x/y.git@v1#egg=y\n", "\n"}},
	{path: "package.json", head: "{\n", tail: "\n}", between: ",\n", parts: []string{
		`"dependencies": {"openai": "1", "ai": "npm:cohere-ai@2"}`, `"devDependencies": {"jest": "1"}`, `"overrides": {"x": "1"}`, `"name": "y"`, `"peerDependencies": {"z": "1"}`}},
	{path: "pyproject.toml", parts: []string{"[project]\ndependencies = [\"openai\"]\n", "[tool.poetry.dependencies]\ncohere = \"1\"\n",
		"[dependency-groups]\ndev = [\"pytest\"]\n", "[tool.uv]\nconstraint-dependencies = [\"numpy\"]\n", "# a remark\n"}},
	{path: "Cargo.toml", parts: []string{"[dependencies]\na = \"1\"\n", "[dependencies.b]\nversion = \"2\"\noptional = true\n", "[dev-dependencies]\nc = \"1\"\n",
		"[target.'cfg(x)'.dependencies]\nd = \"1\"\n", "[workspace.dependencies]\ne = \"1\"\n"}},
	{path: "Cargo.lock", head: "version = 3\n", parts: []string{"[[package]]\nname = \"app\"\nversion = \"0\"\ndependencies = [\"a\"]\n",
		"[[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"r\"\ndependencies = [\"b\"]\n", "[[package]]\nname = \"b\"\nversion = \"1\"\nsource = \"r\"\n"}},
	{path: "poetry.lock", parts: []string{"[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\nb = \"*\"\n",
		"[[package]]\nname = \"b\"\nversion = \"1\"\n", "[[package]]\nname = \"c\"\nversion = \"1\"\ngroups = [\"dev\"]\n"}},
	{path: "yarn.lock", parts: []string{"a@^1:\n  version \"1.0\"\n  dependencies:\n    b \"^2\"\n", "b@^2:\n  version \"2.0\"\n", "c@^3:\n  version \"3.0\"\n"}},
	{path: "pnpm-lock.yaml", parts: []string{"importers:\n  .:\n    dependencies:\n      a: {specifier: ^1, version: 1.0.0}\n",
		"packages:\n  a@1.0.0: {}\n  b@2.0.0: {}\n", "snapshots:\n  a@1.0.0:\n    dependencies:\n      b: 2.0.0\n", "lockfileVersion: '9.0'\n"}},
	{path: "Gemfile", parts: []string{"gem 'a', '1'\n", "group :test do\n  gem 'b'\nend\n", "gem 'c', group: :development\n", "# gem 'd'\n", "if x\n  gem 'e'\nend\n"}},
	{path: "build.gradle", head: "dependencies {\n", tail: "}\n", parts: []string{"implementation 'a.b:c:1'\n", "testImplementation 'd.e:f:1'\n",
		"implementation(platform('g.h:i:1'))\n", "// api 'j.k:l:1'\n", "api group: 'm.n', name: 'o', version: '1'\n"}},
	{path: "pom.xml", head: "<project><dependencies>", tail: "</dependencies></project>", parts: []string{
		"<dependency><groupId>a</groupId><artifactId>b</artifactId></dependency>\n", "<dependency><scope>test</scope><artifactId>d</artifactId><groupId>c</groupId></dependency>\n",
		"<!--<dependency><groupId>e</groupId><artifactId>f</artifactId></dependency>-->x\n"}},
	{path: "App.csproj", head: "<Project>", tail: "</Project>", parts: []string{"<ItemGroup><PackageReference Include=\"A\" Version=\"1\"/></ItemGroup>\n",
		"<ItemGroup Condition=\"x\"><PackageReference Include=\"B\"/></ItemGroup>\n", "<ItemGroup><PackageReference Remove=\"C\"/></ItemGroup>\n"}},
	{path: "go.mod", head: "module x\n", parts: []string{"require a.com/b v1.0.0\n", "require c.com/d v1.0.0 // indirect\n", "exclude e.com/f v1.0.0\n", "replace g.com/h => i.com/j v1.0.0\n"}},
}

// said is what facts say apart from where.
func said(facts []fact.Fact) []string {
	var out []string
	for _, f := range facts {
		f.Line = 0
		out = append(out, show([]fact.Fact{f}, nil))
	}
	slices.Sort(out)
	return out
}

// TestOrder puts the parts of files in other orders, with empty lines between
// where the format has lines: the same is said, on other lines.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, o := range orders {
		build := func(parts []string, gap string) []byte {
			return []byte(o.head + strings.Join(parts, o.between+gap) + o.tail)
		}
		r := For(o.path)
		facts, err := r.Read(o.path, build(o.parts, ""))
		if err != nil || len(facts) < 2 {
			t.Fatalf("%s: %d facts, %v", o.path, len(facts), err)
		}
		want := said(facts)
		for range 20 {
			parts := slices.Clone(o.parts)
			rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			for _, gap := range []string{"", "\n", "\n\n\n"} {
				data := build(parts, gap)
				got, err := r.Read(o.path, data)
				if err != nil {
					t.Fatalf("%s: %v\n%s", o.path, err, data)
				}
				if diff := cmp.Diff(want, said(got)); diff != "" {
					t.Fatalf("%s (-want +got):\n%s\n%s", o.path, diff, data)
				}
				linesHold(t, o.path, data, got)
			}
		}
	}
}

// linesHold wants the last part of each name on the line that the fact gives.
func linesHold(t *testing.T, path string, data []byte, facts []fact.Fact) {
	t.Helper()
	lines := strings.Split(string(data), "\n")
	for _, f := range facts {
		name := f.Name[strings.LastIndexByte(f.Name, ':')+1:]
		if !strings.Contains(lines[f.Line-1], name) {
			t.Fatalf("%s: %s is not on line %d: %q\n%s", path, f.Name, f.Line, lines[f.Line-1], data)
		}
	}
}

// TestLinesOfSamples wants the same of all samples, apart from formats in which
// the name stands on another line than the package.
func TestLinesOfSamples(t *testing.T) {
	for _, s := range samples(t) {
		if strings.Contains(s.path, "cabal") {
			continue
		}
		facts, _ := read(s)
		lines := strings.Split(strings.ToLower(string(s.data)), "\n")
		missed := 0
		for _, f := range facts {
			name := strings.ToLower(f.Name)
			name, _, _ = strings.Cut(name, "[")
			name = name[strings.LastIndexAny(name, ":/.")+1:]
			if strings.HasSuffix(f.Name, ".gradle.plugin") || strings.HasPrefix(f.Name, "org.jetbrains.kotlin:") {
				continue // written shorter than they are named
			}
			if !strings.Contains(strings.NewReplacer("_", "-", ".", "-").Replace(lines[f.Line-1]), strings.NewReplacer("_", "-", ".", "-").Replace(name)) {
				missed++
				t.Logf("%s: %s is not on line %d: %q", s.path, f.Name, f.Line, lines[f.Line-1])
			}
		}
		if missed > 1 {
			t.Errorf("%s: %d of %d names are not on their lines", s.path, missed, len(facts))
		}
	}
}
