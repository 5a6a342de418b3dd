package github

import (
	"encoding/json"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestNextPage(t *testing.T) {
	for link, want := range map[string]int{
		"": 0,
		`<https://api.github.com/repositories/1/pulls?page=3&per_page=100>; rel="next", <https://api.github.com/x?page=9>; rel="last"`: 3,
		`<https://api.github.com/x?page=1>; rel="prev", <https://api.github.com/x?page=1>; rel="first"`:                                0,
		`<https://evil.example/?page=2>; rel="next"`:                                                                                   2,
		`<https://api.github.com/x?after=abc>; rel="next"`:                                                                             -1,
		`<https://api.github.com/x?page=-4>; rel="next"`:                                                                               -1,
		`<https://api.github.com/x?page=99999999999999999999>; rel="next"`:                                                             -1,
		`<%zz?page=2>; rel="next"`: -1,
		`rel="next"`:               0,
	} {
		got, err := nextPage(link)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("nextPage(%q) = %d, want %d", link, got, want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		glob, path string
		want       bool
	}{
		{"policies/*.md", "policies/a.md", true},
		{"policies/*.md", "policies/x/a.md", false},
		{"policies/**/*.md", "policies/a.md", true},
		{"policies/**/*.md", "policies/x/y/a.md", true},
		{"policies/**/*.md", "a.md", false},
		{"prompts/**", "prompts/a/b", true},
		{"prompts/**", "promptsx/a", false},
		{"**/CODEOWNERS", "CODEOWNERS", true},
		{"**/a/**/b", "x/a/y/z/b", true},
		{"**/a/**/b", "x/a/y/z/c", false},
		{"a", "a/b", false},
		{"a/b", "a", false},
	} {
		g, err := parseGlob(tc.glob)
		if err != nil {
			t.Fatal(err)
		}
		if got := matchAny([]glob{g}, tc.path); got != tc.want {
			t.Errorf("%q matches %q: %v, want %v", tc.glob, tc.path, got, tc.want)
		}
	}
}

func TestIssueKeys(t *testing.T) {
	text := "AI-12: use GPT-4 and SHA-256, fixes RISK_A-7, not lower-case ai-3, AI-12 again, X-1 A-0 ISO-27001"
	r := &run{cfg: &config{}}
	if d := cmp.Diff([]string{"AI-12", "CHG-100", "RISK_A-7"}, r.issueKeys(text, "feature/CHG-100-x")); d != "" {
		t.Error(d)
	}
	r.cfg.IssueProjects = []string{"GPT"}
	if d := cmp.Diff([]string{"GPT-4"}, r.issueKeys(text)); d != "" {
		t.Error(d)
	}
}

func FuzzNextPage(f *testing.F) {
	f.Add(`<https://api.github.com/x?page=2>; rel="next"`)
	f.Add(`<a>,<b>; rel="next",`)
	f.Fuzz(func(t *testing.T, link string) {
		if n, err := nextPage(link); err == nil && n != 0 && n < 2 {
			t.Errorf("nextPage(%q) = %d", link, n)
		}
	})
}

// A line of hostile text is valid, short and printable.
func FuzzLine(f *testing.F) {
	f.Add("a\x00b\u202e\nc")
	f.Fuzz(func(t *testing.T, s string) {
		got := line(s, 50)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 51 || strings.ContainsFunc(got, unfitRune) {
			t.Errorf("line(%q) = %q", s, got)
		}
	})
}

// Names that pass lead to one place only, under the repository.
func FuzzNames(f *testing.F) {
	f.Add("acme/app", "policies/a b.md")
	f.Add("acme/..", "../x")
	f.Fuzz(func(t *testing.T, full, file string) {
		if !validFullName(full) || !cleanPath(file) {
			return
		}
		p := "repos/" + full + "/contents/" + escapePath(file)
		if path.Clean(p) != p || strings.ContainsAny(p, "?#\\ ") || strings.Count(full, "/") != 1 {
			t.Errorf("%q and %q give %q", full, file, p)
		}
	})
}

// Whatever a file holds, its front matter is plain JSON.
func FuzzFrontMatter(f *testing.F) {
	f.Add([]byte("---\ntitle: T\nlist: [a, 1, .nan]\n---\n"))
	f.Add([]byte("---\na: &a [*a]\n---\n"))
	f.Add([]byte("---\n? {x: y}\n: z\n---\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fields := frontMatter(b)
		if _, err := json.Marshal(fields); err != nil {
			t.Errorf("%q: %v", b, err)
		}
		for _, v := range fields {
			switch v.(type) {
			case string, []string:
			default:
				t.Errorf("%q: %T", b, v)
			}
		}
	})
}
