package manifest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// formatTable is the table of formats of the README, made from the samples.
func formatTable(t *testing.T) string {
	t.Helper()
	files := map[string][]string{
		"requirements":      {"requirements*.txt", "*requirements*.in", "requirements/*.txt", "constraints*.txt"},
		"conda-environment": {"environment*.yml", "conda*.yml"}, "buildsrc": {"buildSrc/**/*.kt"}, "go-vendor": {"vendor/modules.txt"},
		"sbt": {"project/*.scala"}, "pylock": {"pylock.*.toml"},
	}
	for name, f := range byName {
		files[f.name] = append(files[f.name], name)
	}
	for _, e := range byEnding {
		files[e.format.name] = append(files[e.format.name], "*"+e.ending)
	}
	for name, s := range scripts {
		files[s.name] = append(files[s.name], "head of *"+name)
	}
	groups, standings := map[string][]string{}, map[string][]string{}
	for _, s := range samples(t) {
		name := ""
		if r := For(s.path); r != nil {
			name = r.Name()
		} else if sc, ok := scripts[s.path[strings.LastIndexByte(s.path, '.'):]]; ok {
			name = sc.name
		}
		facts, _ := read(s)
		for _, f := range facts {
			groups[name] = append(groups[name], f.Group)
			if f.Standing != "" {
				standings[name] = append(standings[name], string(f.Standing))
			} else {
				standings[name] = append(standings[name], "direct")
			}
		}
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("| Format | Files | Ecosystems | Standings |\n|---|---|---|---|\n")
	for _, name := range names {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, code(files[name]), code(groups[name]), strings.Join(sorted(standings[name]), ", "))
	}
	return b.String()
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

func code(s []string) string { return "`" + strings.Join(sorted(s), "`, `") + "`" }

func TestReadme(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), "<!-- formats -->\n")
	_, tail, ok2 := strings.Cut(rest, "<!-- /formats -->")
	if !ok || !ok2 {
		t.Fatal("the marks of the table are missing")
	}
	want := head + "<!-- formats -->\n" + formatTable(t) + "<!-- /formats -->" + tail
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("the table is not that of the samples; run with -update (-want +got):\n%s", diff)
	}
}
