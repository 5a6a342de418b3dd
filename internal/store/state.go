package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// StateRow is one cursor or validator of a source, as far as its digest needs
// it.
type StateRow struct {
	Source int64 // number of a name, as in Tables
	Cursor bool  // true: cursor, false: validator
	Key    string
	Sum    evidence.Digest // of what the connector gets back: a cursor's text, a validator's bytes
}

// StateValue is the Sum of a value as a StateChange brings it.
func StateValue(cursor bool, value []byte) evidence.Digest {
	if cursor {
		return evidence.Sum([]byte(CursorText(value)))
	}
	return evidence.Sum(value)
}

// StateDigest gives the digest that the closing entry of a run carries: SHA-256
// over one line for each cursor and validator of its source, in the canonical
// form of JSON and ended by a newline:
//
//	{"key":"<key>","sha256":"<hexadecimal SHA-256 of the value>","type":"cursor"}
//	{"key":"<key>","sha256":"<hexadecimal SHA-256 of the value>","type":"validator"}
//
// Cursors come first, then validators, each in ascending order of the key's
// bytes. A cursor's value is its text (see CursorText), a validator's are its
// bytes. No row gives the zero digest, which the entry leaves out. A key that
// is not UTF-8, which no store takes, is ErrTampered. rows are sorted in place.
func StateDigest(rows []StateRow) (evidence.Digest, error) {
	if len(rows) == 0 {
		return evidence.Digest{}, nil
	}
	slices.SortFunc(rows, func(a, b StateRow) int {
		if a.Cursor != b.Cursor {
			if a.Cursor {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Key, b.Key)
	})
	h := sha256.New()
	for _, r := range rows {
		line, err := r.line()
		if err != nil {
			return evidence.Digest{}, err
		}
		h.Write(line)
	}
	return evidence.Digest(h.Sum(nil)), nil
}

func (r *StateRow) line() ([]byte, error) {
	what := "validator"
	if r.Cursor {
		what = "cursor"
	}
	if !utf8.ValidString(r.Key) {
		return nil, fmt.Errorf("key %.80q of a %s is not valid UTF-8: %w", r.Key, what, ErrTampered)
	}
	b, err := json.Marshal(map[string]string{"key": r.Key, "sha256": r.Sum.String(), "type": what})
	if err != nil {
		return nil, err
	}
	if b, err = evidence.Canonical(b); err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
