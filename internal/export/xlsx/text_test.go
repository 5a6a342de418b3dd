package xlsx

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

func TestClean(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"plain text, 100 %", "plain text, 100 %"},
		{"a=b", "a=b"},
		{"=1+1", "'=1+1"},
		{"+49 30 1234", "'+49 30 1234"},
		{"-1", "'-1"},
		{"@here", "'@here"},
		{"\t=1+1", "'\u2409=1+1"},
		{"\tindented", "'\u2409indented"},
		{"\r=1", "'\u240d=1"},
		{"\r\n=1", "'\n=1"},
		{"\n=1", "'\n=1"},
		{"  =1", "'  =1"},
		{"\u00a0=1", "'\u00a0=1"},
		{"\u200b=1", "'\u27e8U+200B\u27e9=1"},
		{"\x1b=1", "'\u241b=1"},
		{"\uff1d1", "'\uff1d1"},
		{"\u22121", "'\u22121"},
		{"'=1", "''=1"},
		{"'quoted'", "''quoted'"},
		{"  text", "  text"},
		{"line\nline", "line\nline"},
		{"line\r\nline", "line\nline"},
		{"nul\x00", "nul\u2400"},
		{"del\x7f", "del\u2421"},
		{"c1\u0085", "c1\u27e8U+0085\u27e9"},
		{"bad\xff", "bad\ufffd"},
		{"already\ufffd", "already\ufffd"},
		{"\u202egnp.exe", "\u27e8U+202E\u27e9gnp.exe"},
		{"tag\U000e0041", "tag\u27e8U+E0041\u27e9"},
		{"😀", "😀"},
		{"Ærø", "Ærø"},
	}
	for _, tt := range tests {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// harmless says what is wrong with a cell's text, if anything.
func harmless(s string) string {
	if !utf8.ValidString(s) {
		return "is not UTF-8"
	}
	first := true
	for _, r := range s {
		switch {
		case r < ' ' && r != '\n', r == 0x7f, hidden(r):
			return "shows a character that is not to be seen"
		case first && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20\u2212", r):
			return "could be a formula"
		}
		if !unicode.IsSpace(r) {
			first = false
		}
	}
	return ""
}

func FuzzClean(f *testing.F) {
	for _, s := range exporttest.Hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := clean(s)
		if why := harmless(c); why != "" {
			t.Errorf("clean(%q) = %q %s", s, c, why)
		}
		if again := clean(c); strings.TrimPrefix(again, "'") != c && again != c {
			t.Errorf("clean(%q) = %q, and cleaned again %q", s, c, again)
		}
		if plain(s) && c != s {
			t.Errorf("clean(%q) = %q although it is plain", s, c)
		}
	})
}

func TestFit(t *testing.T) {
	units := func(s string) int { return len(utf16.Encode([]rune(s))) }
	for _, tt := range []struct {
		name, in string
		cut      bool
	}{
		{"short", "abc", false},
		{"just fits", strings.Repeat("x", maxCell), false},
		{"one too many", strings.Repeat("x", maxCell+1), true},
		{"many bytes, few characters", strings.Repeat("é", maxCell), false},
		{"surrogate pairs", strings.Repeat("😀", maxCell/2+1), true},
		{"surrogate pairs that fit", strings.Repeat("😀", maxCell/2), false},
	} {
		got := fit(tt.in, "evidence/x.json")
		if units(got) > maxCell || !utf8.ValidString(got) {
			t.Errorf("%s: %d units", tt.name, units(got))
		}
		if cut := got != tt.in; cut != tt.cut || cut && !strings.HasSuffix(got, "[cut; the whole is in evidence/x.json]") {
			t.Errorf("%s: cut %v, want %v", tt.name, cut, tt.cut)
		}
	}
}

func TestWebLink(t *testing.T) {
	for _, s := range []string{"http://a", "https://github.example/o/r/pull/1", "https://h/x?y=1&z=%20#f"} {
		if _, ok := webLink(s); !ok {
			t.Errorf("%q is a link", s)
		}
	}
	for _, s := range []string{"", "javascript:alert(1)", "file:///etc/passwd", "ftp://a/b", "http:///x", "https://user:pw@h/", "https://h/a b",
		"https://h/\n", "\\\\server\\share", "http://h/<", "https://h/\"", "HTTP://", "https://" + strings.Repeat("a", 2001), "ms-excel:ofe|u|http://x", "http://[::1"} {
		if _, ok := webLink(s); ok {
			t.Errorf("%q must not be a link", s)
		}
	}
}

func TestLinksEnd(t *testing.T) {
	var l links
	for i := range maxLinks {
		ok := i%2 == 0 && l.internal("A1", "x", "A1") || i%2 == 1 && l.external("A1", "https://h/")
		if !ok {
			t.Fatalf("link %d was refused", i)
		}
	}
	if l.internal("A1", "x", "A1") || l.external("A1", "https://h/") || l.room(1) {
		t.Error("a link too many was taken")
	}
}
