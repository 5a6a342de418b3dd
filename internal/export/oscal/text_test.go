package oscal

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

// plain reads an escaped line as Markdown does, and reports what is left that
// Markdown or HTML would act on.
func plain(s string) (text, active string) {
	var b, act strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\' && i+1 < len(s) && strings.ContainsRune("\\`*[]{}~^|_#+-=:.)", rune(s[i+1])):
			b.WriteByte(s[i+1])
			i += 2
			continue
		case strings.HasPrefix(s[i:], "&amp;"), strings.HasPrefix(s[i:], "&lt;"), strings.HasPrefix(s[i:], "&gt;"):
			end := strings.IndexByte(s[i:], ';')
			b.WriteString(map[string]string{"&amp": "&", "&lt": "<", "&gt": ">"}[s[i:i+end]])
			i += end + 1
			continue
		case strings.ContainsRune("\\`*[]{}~^|<>&", r):
			act.WriteRune(r)
		case i == 0 && strings.ContainsRune("#+-=:", r):
			act.WriteRune(r)
		}
		b.WriteRune(r)
		i += n
	}
	return b.String(), act.String()
}

func check(t *testing.T, s string) {
	t.Helper()
	got := line(s)
	text, active := plain(got)
	if want := value(s, maxLine); text != want {
		t.Errorf("%q is written %q and read %q, want %q", s, got, text, want)
	}
	if active != "" {
		t.Errorf("%q is written %q: %q is active", s, got, active)
	}
	for _, r := range got + value(s, maxValue) {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%q is written %q: %U", s, got, r)
		}
	}
	if v := value(s, maxValue); v != strings.TrimSpace(v) || !utf8.ValidString(v) || utf8.RuneCountInString(v) > maxValue {
		t.Errorf("%q has the value %q", s, v)
	}
	for _, l := range strings.Split(prose(s), "\n") {
		if _, active := plain(l); active != "" {
			t.Errorf("%q: line %q: %q is active", s, l, active)
		}
	}
}

// tokenForm is OSCAL's, from its schema.
var tokenForm = regexp.MustCompile(`^(\p{L}|_)(\p{L}|\p{N}|[.\-_])*$`)

var attacks = []string{
	`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `[click](javascript:alert(1))`, `![x](http://evil.example/x.png)`,
	`<javascript:alert(1)>`, "`code`", "```\nfence\n```", `**bold** _em_ __b__ ~s~ ^s^`, `{{ insert: param, ac-1_prm_1 }}`, `&lt;b&gt; &#60;i&#62;`,
	"# heading", "- item", "1. first", "> quote", "===", "---", "a | b\n--|--\n1 | 2", "\\", "\\*", `\\[x](y)`, "    code block", "\tcode",
	"[ref]: http://evil.example", "first\n\n\n\nsecond", "Setext\n===", "\u2028\u2029", "\u202egnp.exe", strings.Repeat("x", 100_000),
	strings.Repeat("é*", 3000), "\u0000", "", "   ", "<!-- -->", "]]>", "http://evil.example/<script>", "a_b_c", "_a_", "x\u200by",
}

func TestTexts(t *testing.T) {
	for _, s := range append(attacks, exporttest.Hostile...) {
		check(t, s)
	}
}

// TestReadable: what people read most stays as it is.
func TestReadable(t *testing.T) {
	for _, s := range []string{"6.1.2 AI risk assessment", "Changes to AI assets are approved before they merge", "model_registry.model_version read from mlflow",
		"nordlicht/claims-model#104", "2 of 14 (1 not_assessed)", "approved 401 days ago, window 365: too old", "👩‍💻 نص"} {
		if got := line(s); got != s {
			t.Errorf("%q is written %q", s, got)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range append(attacks, exporttest.Hostile...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check(t, s)
		if tok := token(s); !tokenForm.MatchString(tok) {
			t.Errorf("%q is no token: %q", s, tok)
		}
		if l := web(s); l != "" {
			if u, err := url.Parse(l); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				t.Errorf("%q became the link %q", s, l)
			}
		}
	})
}

func TestTokens(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []string{"A.6.2.5", "6.1.2", "cl-6.1.2", "", " ", "a b", "a_b", "a/b", "ä", "x-", "\x00", "A.6.2.5\n"} {
		got := controlID(s)
		if !tokenForm.MatchString(got) {
			t.Errorf("%q became %q", s, got)
		}
		if other, ok := seen[got]; ok && (other != "6.1.2" || s != "cl-6.1.2") {
			t.Errorf("%q and %q are both %q", s, other, got)
		}
		seen[got] = s
	}
	if controlID("A.6.2.5") != "A.6.2.5" || controlID("6.1.2") != "cl-6.1.2" {
		t.Error("known ids have another form")
	}
}

func TestLinks(t *testing.T) {
	for s, want := range map[string]string{
		"https://github.example/a/b/pull/1": "https://github.example/a/b/pull/1", "http://x.example/?a=b&c=d": "http://x.example/?a=b&c=d",
		"javascript:alert(1)": "", "data:text/html,x": "", "//evil.example": "", "file:///etc/passwd": "", "https://": "", "https://user:pw@x.example": "",
		"http://x.example/\x00": "", "": "", "/relative": "", "ftp://x.example": "", "https://x.example/" + strings.Repeat("y", 3000): "",
		"https://x.example/a b\"<>": "https://x.example/a%20b%22%3C%3E",
	} {
		if got := web(s); got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	for year, want := range map[int]bool{1: false, 1899: false, 1900: true, 2026: true, 2999: true, 3000: false, 9999: false} {
		at := time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)
		if got := when(&at) != nil; got != want {
			t.Errorf("year %d: %v", year, got)
		}
	}
	if when(nil) != nil {
		t.Error("no time became one")
	}
}
