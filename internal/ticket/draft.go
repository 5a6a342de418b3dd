package ticket

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Finding is a finding as it is now. Its texts may come from sources: they are
// hostile, and are never markup in a ticket.
type Finding struct {
	ID         string
	State      string // open, acknowledged, waived or resolved
	Status     string // of its result
	Severity   string // major, minor or observation
	Grade      string // that counts; may be empty
	Control    string
	Title      string
	Detail     string // why
	NextStep   string
	Owner      string
	Systems    []string
	DueAt      *time.Time
	Since      time.Time // opened, or opened again
	ResolvedAt *time.Time
	Link       string // to the dashboard, or empty
}

func (f *Finding) open() bool { return f.State == "open" || f.State == "acknowledged" }

// Draft is what a ticket says.
type Draft struct {
	Finding string // id: every ticket bears it as its mark
	Title   string
	Intro   string
	Facts   []Fact
	Link    string
	Due     *time.Time
}

// Fact is a line of a ticket. Text is hostile.
type Fact struct{ Name, Text string }

// Comment is a comment on a ticket. Mark tells it from all others.
type Comment struct {
	Text string // ours
	Fact string // hostile; may be empty
	Mark string
}

const (
	maxTitle = 200
	maxText  = 2000
)

func draftOf(f *Finding) *Draft {
	d := &Draft{Finding: f.ID, Title: "Exhibit: " + clean(f.Control+" "+f.Title, maxTitle) + " (" + f.ID + ")", Link: f.Link, Due: f.DueAt,
		Intro: "Exhibit holds this finding against evidence. It keeps this ticket up to date and closes it once evidence shows the finding resolved."}
	add := func(name, text string) {
		if text = clean(text, maxText); text != "" {
			d.Facts = append(d.Facts, Fact{name, text})
		}
	}
	add("Control", f.Control)
	add("Subject", f.Title)
	add("Status", f.Status)
	add("Why", f.Detail)
	add("Severity", f.Severity)
	add("Grade", f.Grade)
	add("Owner", f.Owner)
	add("AI systems", strings.Join(f.Systems[:min(len(f.Systems), 20)], ", "))
	add("Open since", day(&f.Since))
	add("Due", day(f.DueAt))
	add("Next step", f.NextStep)
	return d
}

func day(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// digest tells whether what a ticket says has changed.
func (d *Draft) digest() string {
	b, err := json.Marshal(d)
	if err != nil {
		return ""
	}
	return short(b)
}

func short(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// watched are the facts of which a change is worth a comment.
type watched struct {
	Status string `json:"status"`
	Due    string `json:"due"`
	Owner  string `json:"owner"`
	Grade  string `json:"grade"`
}

func watch(f *Finding) watched {
	return watched{clean(f.Status, 100), day(f.DueAt), clean(f.Owner, 100), clean(f.Grade, 100)}
}

// since says what is different from before, empty if nothing.
func (w watched) since(before watched) string {
	var out []string
	for _, c := range []struct{ name, was, is string }{
		{"status", before.Status, w.Status}, {"due date", before.Due, w.Due}, {"owner", before.Owner, w.Owner}, {"grade", before.Grade, w.Grade},
	} {
		if c.was != c.is {
			out = append(out, c.name+" "+orNone(c.was)+" → "+orNone(c.is))
		}
	}
	return strings.Join(out, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// clean makes one line of text, without control characters and without what
// changes the direction of text or is invisible, cut to n characters.
func clean(s string, n int) string {
	if len(s) > 8*n {
		s = s[:8*n]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return '·'
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n-1]) + "…"
	}
	return s
}

// Filter says which findings become tickets. An empty list means all.
type Filter struct{ Severities, Grades, Owners []string }

func (f Filter) takes(x *Finding) bool {
	in := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	return in(f.Severities, x.Severity) && in(f.Grades, x.Grade) && in(f.Owners, x.Owner)
}
