package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deeply arrays and objects may nest in anything that is sealed.
const MaxDepth = 128

// maxExact is the largest magnitude a number may have: every integer up to it
// has one representation in every JSON reader.
const maxExact = 1 << 53

// ErrNotCanonical: bytes that should have been in canonical form are not.
var ErrNotCanonical = errors.New("not in canonical form (RFC 8785)")

// Canonical returns the canonical form (RFC 8785) of one JSON value, in new
// memory. It refuses what has no single meaning: duplicate names, invalid
// UTF-8, lone surrogates, nesting beyond MaxDepth, and numbers whose value
// would change: those beyond ±2^53 and those with more digits than a double
// keeps. Errors say at which byte.
func Canonical(b []byte) ([]byte, error) {
	if isCanonical(b) {
		return bytes.Clone(b), nil
	}
	if err := prescan(b); err != nil {
		return nil, err
	}
	v := jsontext.Value(bytes.Clone(b))
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	return v, nil
}

// CanonicalObject is Canonical for a value that must be an object.
func CanonicalObject(b []byte) ([]byte, error) {
	c, err := Canonical(b)
	if err != nil {
		return nil, err
	}
	if len(c) == 0 || c[0] != '{' {
		return nil, errors.New("JSON: want an object; wrap the value in one")
	}
	return c, nil
}

// checkCanonicalObject reports whether b is an object in canonical form.
func checkCanonicalObject(b []byte) error {
	c, err := CanonicalObject(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, c) {
		return ErrNotCanonical
	}
	return nil
}

// prescan checks depth and numbers. It does not check grammar: what it lets
// through is still to be parsed.
func prescan(b []byte) error {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			i = skipString(b, i)
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return fmt.Errorf("JSON: nested deeper than %d at byte %d; flatten it", MaxDepth, i)
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			end := i + 1
			for end < len(b) && isNumberByte(b[end]) {
				end++
			}
			if err := checkNumber(b[i:end]); err != nil {
				return fmt.Errorf("JSON: %w at byte %d", err, i)
			}
			i = end - 1
		}
	}
	return nil
}

// skipString returns the index of the quote that closes the string opened at
// i, or len(b) if none does.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return i
}

func isNumberByte(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// checkNumber refuses a literal whose value a double does not keep. A literal
// that is no number at all is left for the parser to refuse.
func checkNumber(lit []byte) error {
	if len(lit) <= 15 && isDigits(lit) {
		return nil
	}
	f, err := strconv.ParseFloat(string(lit), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil
	}
	if err != nil || math.Abs(f) > maxExact {
		return fmt.Errorf("number %.40q is beyond ±2^53; send it as a string", lit)
	}
	d, e := decimal(lit)
	fd, fe := decimal(strconv.AppendFloat(nil, f, 'e', -1, 64))
	if e != fe || !bytes.Equal(d, fd) {
		return fmt.Errorf("number %.40q has more digits than a double keeps; send it as a string", lit)
	}
	return nil
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// decimal brings a number literal to the form 0.DIGITS × 10^exp, where DIGITS
// neither begins nor ends with a zero; zero has no digits and exponent 0. The
// sign is dropped: rounding never changes it.
func decimal(lit []byte) (digits []byte, exp int) {
	digits = make([]byte, 0, len(lit))
	point := -1
	for i, c := range lit {
		switch {
		case '0' <= c && c <= '9':
			digits = append(digits, c)
		case c == '.':
			point = len(digits)
		case c == 'e' || c == 'E':
			n, err := strconv.Atoi(string(lit[i+1:]))
			if err != nil {
				n = math.MaxInt32 // absurd, and equal to no exponent of a double
			}
			exp = n
		}
		if c == 'e' || c == 'E' {
			break
		}
	}
	if point < 0 {
		point = len(digits)
	}
	lead := 0
	for lead < len(digits) && digits[lead] == '0' {
		lead++
	}
	digits = bytes.TrimRight(digits[lead:], "0")
	if len(digits) == 0 {
		return nil, 0
	}
	return digits, exp + point - lead
}
