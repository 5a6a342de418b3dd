package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quoteLimit is how many bytes of a hostile string an error repeats.
const quoteLimit = 96

// Quote returns s for use in an error: quoted, in ASCII, and cut if long.
func Quote(s string) string {
	if len(s) > quoteLimit {
		return strconv.QuoteToASCII(s[:quoteLimit]) + "…"
	}
	return strconv.QuoteToASCII(s)
}

// Clean returns s as text for a person: valid UTF-8 in one line, without
// control or invisible formatting characters, at most limit bytes.
func Clean(s string, limit int) string {
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == utf8.RuneError || unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, s)
}

// checkText reports why s may not be used as a key, id or other exact string.
func checkText(what, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("%s is %d bytes long, at most %d are allowed: %s", what, len(s), limit, Quote(s))
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not valid UTF-8: %s", what, Quote(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("%s holds a control character: %s", what, Quote(s))
		}
	}
	return nil
}

// checkName is checkText for what must be there.
func checkName(what, s string, limit int) error {
	if s == "" {
		return errors.New(what + " is empty")
	}
	return checkText(what, s, limit)
}
