package sandbox

import (
	"testing"
	"time"
)

func TestParseAgo(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"-34d6h30m": -(34*24*time.Hour + 6*time.Hour + 30*time.Minute), "+12d": 12 * 24 * time.Hour, "-5h": -5 * time.Hour, "-0d6h": -6 * time.Hour,
	} {
		if got, err := parseAgo(text); err != nil || got.offset != want || !got.set {
			t.Errorf("parseAgo(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", "+", "3d", "-3", "-3w", "-3h2d", "2026-01-01", "-99999999999999999999d"} {
		if got, err := parseAgo(text); err == nil {
			t.Errorf("parseAgo(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseFileChange(t *testing.T) {
	for text, want := range map[string]fileChange{
		"a.py":              {path: "a.py", status: "modified", add: 1},
		"a.py +3 -2":        {path: "a.py", status: "modified", add: 3, del: 2},
		"a.py new +9":       {path: "a.py", status: "added", add: 9},
		"a.py removed -7":   {path: "a.py", status: "removed", del: 7},
		"b.py renamed a.py": {path: "b.py", status: "renamed", previous: "a.py", add: 1},
	} {
		if got, err := parseFileChange(text); err != nil || got != want {
			t.Errorf("parseFileChange(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "a.py gone", "a.py +x", "a.py renamed"} {
		if got, err := parseFileChange(text); err == nil {
			t.Errorf("parseFileChange(%q) = %+v, want an error", text, got)
		}
	}
}

// FuzzJQL: a query that is understood restricts what is found, and whatever
// it says can be held against an issue.
func FuzzJQL(f *testing.F) {
	for _, q := range []string{
		"project in (INC, CHG) ORDER BY updated ASC", `updated >= "2026-01-01 00:00" AND key = INC-1`, "key != A-1",
		"project = X AND updated < -7d", "ORDER BY key", "project in ()", "status not in (Done, \"In review\")", "",
	} {
		f.Add(q)
	}
	is := &issue{key: "INC-1", project: &project{jiraFile: jiraFile{Key: "INC", Name: "Incidents", ID: 1}}}
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, q string) {
		parsed, err := parseJQL(q)
		if err != nil {
			return
		}
		if len(parsed.conditions) == 0 {
			t.Errorf("%q is understood, and restricts nothing", q)
		}
		for _, c := range parsed.conditions {
			if len(c.values) == 0 || c.field == "" || c.op == "" {
				t.Errorf("%q: condition %+v", q, c)
			}
		}
		if _, err := parsed.match(is, now); err != nil && err.Error() == "" {
			t.Errorf("%q: an error without words", q)
		}
		parsed.sortIssues([]*issue{is, is}, now)
	})
}
