package coverage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Limits of a payload that a host takes, beside its size.
const (
	maxDepth = 64
	maxExact = 1 << 53 // to which every whole number is exact in JSON
)

// fits reports why no host takes a payload: it nests too deep, or holds a
// number that readers of JSON would see as another one.
func fits(payload []byte) error {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	depth := 0
	for dec.More() || depth > 0 {
		token, err := dec.Token()
		if err != nil {
			return errors.New("it is no JSON")
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '}' || t == ']' {
				depth--
				continue
			}
			if depth++; depth > maxDepth {
				return fmt.Errorf("it nests deeper than %d levels", maxDepth)
			}
		case json.Number:
			if len(t) < 16 && !strings.ContainsAny(t.String(), "eE") {
				continue
			}
			if f, err := t.Float64(); err != nil || math.Abs(f) > maxExact {
				return errors.New("it holds a number beyond ±2^53")
			}
		}
	}
	return nil
}
