package records

import (
	"strings"
	"testing"
	"time"
)

func TestLink(t *testing.T) {
	for raw, ok := range map[string]bool{
		"https://github.com/a/b": true, "http://127.0.0.1:4100/a": true, "javascript:alert(1)": false, "//x/y": false, "/x": false,
		"https://u:p@h/": false, "file:///etc/passwd": false, "https://h/\x00": false, "https://h/" + strings.Repeat("a", 5000): false, "": false,
		"https://h/\ufffd": false, "https://h/ü": true,
	} {
		if got := Link(raw) != ""; got != ok {
			t.Errorf("Link(%.40q) kept: %v, want %v", raw, got, ok)
		}
	}
}

func TestFit(t *testing.T) {
	for s, ok := range map[string]bool{
		"acme/app": true, "ü 😀": true, "": false, "a\nb": false, "a\u2028": false, "a\ufffd": false, "a\xff": false,
		strings.Repeat("a", 1000): true, strings.Repeat("a", 1001): false,
	} {
		if got := Fit(s); got != ok {
			t.Errorf("Fit(%.40q): %v, want %v", s, got, ok)
		}
	}
}

func TestMoment(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "2026-03-01T10:00:00Z": "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.120+02:00": "2026-03-01T08:00:00.12Z",
	} {
		if at, err := Moment(s); err != nil || Stamp(at) != want || at.Location() != time.UTC {
			t.Errorf("%q: %v, %v", s, at, err)
		}
	}
	for _, s := range []string{"soon", "2026-03-01", "1772359200", "2026-03-01T10:00:00"} {
		if at, err := Moment(s); err == nil {
			t.Errorf("%q: %v", s, at)
		}
	}
}
