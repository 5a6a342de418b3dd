package evidence

import (
	"testing"
	"time"
)

// TestStampBytes holds the reading of times against the standard library's: every
// day of some years, and every byte in every place.
func TestStampBytes(t *testing.T) {
	for _, year := range []int{1, 4, 100, 400, 1900, 1970, 2000, 2024, 2026, 2100, 9999} {
		for at := time.Date(year, 1, 1, 0, 0, 1, 0, time.UTC); at.Year() == year; at = at.Add(24*time.Hour + 61*time.Second + 1234*time.Microsecond) {
			text := appendStamp(nil, at)
			if got, ok := parseStamp(text); !ok || got != at {
				t.Fatalf("%s: %v, %v", text, got, ok)
			}
		}
	}
	if got, ok := parseStamp(appendStamp(nil, time.Time{})); ok {
		t.Errorf("the zero time is read as %v", got)
	}
	whole := appendStamp(nil, time.Date(2026, 11, 29, 12, 34, 56, 789_000_000, time.UTC))
	for i := range whole {
		for c := range 256 {
			text := append([]byte(nil), whole...)
			text[i] = byte(c)
			want, err := time.Parse(stampLayout, string(text))
			got, ok := parseStamp(text)
			if same := err == nil && string(appendStamp(nil, want)) == string(text); ok != same || ok && got != want {
				t.Errorf("%q: %v, %v, want %v, %v", text, got, ok, want, err)
			}
		}
	}
}

// TestPlainText puts every byte in every place of texts of all lengths.
func TestPlainText(t *testing.T) {
	for n := range 20 {
		for i := range n {
			for c := range 256 {
				text := []byte("abcdefghijklmnopqrst")[:n]
				text[i] = byte(c)
				if got, want := plainText(text), ' ' <= c && c < 0x80; got != want {
					t.Errorf("%q: %v, want %v", text, got, want)
				}
				if got, want := usualText(text), ' ' <= c && c < 0x80 && c != '\\'; got != want {
					t.Errorf("%q is usual: %v, want %v", text, got, want)
				}
			}
		}
	}
	for text, want := range map[string]bool{"déjà vu, 12345": true, "12345678é": true, "12345678é\x1f": false, "é\xff1234567": false} {
		if got := plainText([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestDigestDigits puts every byte in every place of a digest.
func TestDigestDigits(t *testing.T) {
	whole := Sum([]byte("x")).String()
	for i := range whole {
		for c := range 256 {
			text := []byte(whole)
			text[i] = byte(c)
			s := scanner{b: text}
			var d Digest
			s.digest(&d)
			lower, upper := '0' <= c && c <= '9' || 'a' <= c && c <= 'f', 'A' <= c && c <= 'F'
			if s.bad == (lower || upper) || s.odd != upper || lower && d.String() != string(text) {
				t.Errorf("%q: %s, bad %v, odd %v", text, d, s.bad, s.odd)
			}
		}
	}
}
