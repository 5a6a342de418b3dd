package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how deeply a payload may nest. Deeper ones serve only to exhaust
// whoever reads them.
const maxDepth = 64

// maxExact is the largest magnitude to which every integer is exact in JSON.
const maxExact = 1 << 53

// CheckPayload reports why p cannot be kept as it is: it must be one JSON
// object in valid UTF-8, at most 64 levels deep, whose numbers survive
// canonical JSON and whose escapes are whole characters.
func CheckPayload(p []byte) error {
	if trimmed := bytes.TrimLeft(p, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return errors.New("payload is not a JSON object")
	}
	if !utf8.Valid(p) {
		return errors.New("payload is not valid UTF-8")
	}
	if !json.Valid(p) {
		return errors.New("payload is not valid JSON")
	}
	return scanPayload(p)
}

// scanPayload walks over p, which is valid JSON.
func scanPayload(p []byte) error {
	depth := 0
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '"':
			end, err := scanString(p, i)
			if err != nil {
				return err
			}
			i = end
		case c == '{' || c == '[':
			depth++
			if depth > maxDepth {
				return fmt.Errorf("payload nests deeper than %d levels", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(p) && isNumberByte(p[end]) {
				end++
			}
			if err := checkNumber(p[i:end]); err != nil {
				return err
			}
			i = end - 1
		}
	}
	return nil
}

func isNumberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// checkNumber refuses what a float64 cannot hold: readers of canonical JSON
// would see another number than the source stated.
func checkNumber(n []byte) error {
	if len(n) < 16 && !bytes.ContainsAny(n, "eE") {
		return nil
	}
	var exact bool
	if bytes.ContainsAny(n, ".eE") {
		f, err := strconv.ParseFloat(string(n), 64)
		exact = err == nil && math.Abs(f) <= maxExact
	} else {
		i, err := strconv.ParseInt(string(n), 10, 64)
		exact = err == nil && i >= -maxExact && i <= maxExact
	}
	if !exact {
		return fmt.Errorf("payload holds the number %s, which is beyond ±2^53: send it as a string", Quote(string(n)))
	}
	return nil
}

// scanString returns the index of the quote that closes the string opened at
// open. An escaped half of a surrogate pair is not a character.
func scanString(p []byte, open int) (int, error) {
	for i := open + 1; i < len(p); i++ {
		switch p[i] {
		case '"':
			return i, nil
		case '\\':
			if p[i+1] != 'u' {
				i++
				continue
			}
			r := escapedRune(p, i)
			i += 5
			if r < 0xd800 || r > 0xdfff {
				continue
			}
			if r > 0xdbff || i+6 >= len(p) || p[i+1] != '\\' || p[i+2] != 'u' {
				return 0, errors.New("payload holds half of a surrogate pair")
			}
			if low := escapedRune(p, i+1); low < 0xdc00 || low > 0xdfff {
				return 0, errors.New("payload holds half of a surrogate pair")
			}
			i += 6
		}
	}
	return 0, errors.New("payload is not valid JSON")
}

// escapedRune reads the four digits of the \u escape at i in valid JSON.
func escapedRune(p []byte, i int) uint64 {
	r, _ := strconv.ParseUint(string(p[i+2:i+6]), 16, 32) // json.Valid has seen the digits
	return r
}
