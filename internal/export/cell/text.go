package cell

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a text from anywhere fit for a cell. A text that a spreadsheet
// could take for a formula, now or after the sheet was saved as CSV, gets a
// leading apostrophe. Line breaks stay, other control characters are shown as
// their pictures, and characters that reorder or hide text as their numbers.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if startsFormula(s) {
		return "'" + visible(s)
	}
	return visible(s)
}

// Show is Clean for what no spreadsheet opens: without the apostrophe.
func Show(s string) string {
	if plain(s) {
		return s
	}
	return visible(strings.ReplaceAll(s, "\r\n", "\n"))
}

// visible writes out what cannot be seen.
func visible(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			b.WriteRune(utf8.RuneError)
		case r == '\n':
			b.WriteByte('\n')
		case r < ' ':
			b.WriteRune('\u2400' + r)
		case r == 0x7f:
			b.WriteRune('\u2421')
		case Hidden(r):
			fmt.Fprintf(&b, "\u27e8U+%04X\u27e9", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain reports whether s can go into a cell as it is.
func plain(s string) bool {
	if s == "" {
		return true
	}
	switch s[0] {
	case '=', '+', '-', '@', ' ', '\'':
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// starters start a formula or a command in some program.
const starters = "=+-@\uFF1D\uFF0B\uFF0D\uFF20\u2212"

// Field makes a text fit for a field of a CSV file, which is Clean and more: a
// program of a country that separates fields by semicolons splits a line
// elsewhere than where it was joined, and heeds no quote in the middle of what
// it takes for a field. So a formula that would start there has an apostrophe
// put before it as well.
func Field(s string) string {
	s = Clean(s)
	if !strings.ContainsAny(s, ";\n") {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		b.WriteRune(r)
		if (r == ';' || r == '\n') && startsAfter(s[i+1:]) {
			b.WriteByte('\'')
		}
	}
	return b.String()
}

// startsAfter reports whether a formula starts after blanks and quotes.
func startsAfter(s string) bool {
	for _, r := range s {
		if r == '\n' || !unicode.IsSpace(r) && r != '"' {
			return strings.ContainsRune(starters, r)
		}
	}
	return false
}

// startsFormula reports whether the first visible character of s is one that
// starts a formula or a command somewhere, full-width forms included, or
// whether s starts with a tab or carriage return, which some readers drop.
// An apostrophe of the text's own is doubled in effect, so that what the
// prefix means stays unambiguous.
func startsFormula(s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '\t' || s[0] == '\r' || s[0] == '\'' {
		return true
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || Hidden(r) {
			continue
		}
		return strings.ContainsRune(starters, r)
	}
	return false
}

// Hidden reports whether r is not to be shown as itself: C1 controls, format
// characters that hide or reorder, and what XML cannot hold.
func Hidden(r rune) bool {
	switch {
	case 0x80 <= r && r <= 0x9f, 0x200b <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202e,
		0x2060 <= r && r <= 0x206f, r == 0xfeff, r == 0xfffe, r == 0xffff, 0xe0000 <= r && r <= 0xe007f, 0xfff9 <= r && r <= 0xfffb:
		return true
	}
	return false
}
