package cell

import (
	"strings"
	"testing"
	"unicode"
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
		if got := Clean(tt.in); got != tt.want {
			t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
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
		case r < ' ' && r != '\n', r == 0x7f, Hidden(r):
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
		c := Clean(s)
		if why := harmless(c); why != "" {
			t.Errorf("Clean(%q) = %q %s", s, c, why)
		}
		if again := Clean(c); strings.TrimPrefix(again, "'") != c && again != c {
			t.Errorf("Clean(%q) = %q, and cleaned again %q", s, c, again)
		}
		if plain(s) && c != s {
			t.Errorf("Clean(%q) = %q although it is plain", s, c)
		}
	})
}

func TestWebLink(t *testing.T) {
	for _, s := range []string{"http://a", "https://github.example/o/r/pull/1", "https://h/x?y=1&z=%20#f"} {
		if _, ok := WebLink(s); !ok {
			t.Errorf("%q is a link", s)
		}
	}
	for _, s := range []string{"", "javascript:alert(1)", "file:///etc/passwd", "ftp://a/b", "http:///x", "https://user:pw@h/", "https://h/a b",
		"https://h/\n", "\\\\server\\share", "http://h/<", "https://h/\"", "HTTP://", "https://" + strings.Repeat("a", 2001), "ms-excel:ofe|u|http://x", "http://[::1"} {
		if _, ok := WebLink(s); ok {
			t.Errorf("%q must not be a link", s)
		}
	}
}

func TestField(t *testing.T) {
	for in, want := range map[string]string{
		"a;b":                "a;b",
		"a;=1+1":             "a;'=1+1",
		"a; \"=1+1":          "a;' \"=1+1",
		"a\n-1":              "a\n'-1",
		"a\r\n+1;@x":         "a\n'+1;'@x",
		"=1;=2":              "'=1;'=2",
		"a;\n=1":             "a;\n'=1",
		"a;\u00a0\uff1d1":    "a;'\u00a0\uff1d1",
		"2026-01-01; 10 - 3": "2026-01-01; 10 - 3",
		"a,=1":               "a,=1",
	} {
		if got := Field(in); got != want {
			t.Errorf("Field(%q) = %q, want %q", in, got, want)
		}
	}
	long := strings.Repeat("; ", 1<<20)
	if Field(long) != long {
		t.Error("separators alone were changed")
	}
}

func TestShow(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "=1+1", "'x": "'x", "a\x1b": "a\u241b", "\u202ex": "\u27e8U+202E\u27e9x", "bad\xff": "bad\ufffd"} {
		if got := Show(in); got != want {
			t.Errorf("Show(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzField splits what it made where other programs might.
func FuzzField(f *testing.F) {
	for _, s := range exporttest.Hostile {
		f.Add("x;" + s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i, part := range strings.FieldsFunc(";"+Field(s), func(r rune) bool { return r == ';' || r == '\n' }) {
			if i > 0 || strings.HasPrefix(s, ";") {
				part = strings.TrimLeft(part, " \"")
			}
			if why := harmless(part); why != "" {
				t.Errorf("Field(%q) = %q, of which %q %s", s, Field(s), part, why)
			}
		}
	})
}
