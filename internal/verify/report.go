package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// What can be verified.
const (
	WhatStore    = "store"
	WhatBundle   = "bundle"
	WhatWorkbook = "workbook"
)

// Report is the outcome of one verification.
type Report struct {
	What string `json:"what"` // store | bundle | workbook
	Path string `json:"path,omitempty"`
	Key  string `json:"key,omitempty"` // verifier key that the signatures were checked with
	// Established: Key was given by the caller. If not, it came out of the
	// very thing that was verified: nothing was changed by anybody without
	// that key, but whose key it is was not established.
	Established bool     `json:"identity_established"`
	AsOf        string   `json:"as_of,omitempty"`
	Scope       string   `json:"scope,omitempty"`      // of a bundle: whole | used
	MadeBy      string   `json:"made_by,omitempty"`    // program and version
	Recomputed  string   `json:"recomputed,omitempty"` // yes, or no and why, or how it differs
	Attested    []string `json:"attested,omitempty"`   // what others said about the ledger, in words
	Runs        int      `json:"-"`
	Checked     []Check  `json:"checked"`
	Notes       []string `json:"notes,omitempty"` // what a reader should know although all holds
	First       *Failure `json:"first_failure,omitempty"`

	// WithRules are the rules of whoever verifies, if any, and With what comes
	// out differently under them. They change nothing that is verified.
	WithRules []RulesGiven `json:"with_rules,omitempty"`
	With      []Other      `json:"with,omitempty"`
}

// Check is one thing that held.
type Check struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`

	Explained *Explained `json:"explained,omitempty"`
}

// Explained is the report with every check explained.
func (r Report) Explained() Report {
	r.Checked = slices.Clone(r.Checked)
	for i := range r.Checked {
		if e, ok := Explain(r.Checked[i].Name); ok {
			r.Checked[i].Explained = &e
		}
	}
	return r
}

// Failure is the first thing that does not hold.
type Failure struct {
	File     string `json:"file"`  // file, or entry of an archive
	Place    string `json:"place"` // where in it
	Expected string `json:"expected"`
	Found    string `json:"found"`
}

func (f *Failure) Error() string {
	where := f.File
	if f.Place != "" {
		where += ", " + f.Place
	}
	return fmt.Sprintf("%s: expected %s, found %s", where, f.Expected, f.Found)
}

// OK reports whether everything held.
func (r Report) OK() bool { return r.First == nil }

// Err is nil if everything held, and otherwise a store.ErrTampered that names
// the first thing that did not.
func (r Report) Err() error {
	if r.First == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", store.ErrTampered, r.First.Error())
}

// SelfSigned is the warning for a report whose key was not given.
const SelfSigned = "identity not established: the signatures were checked with the key found inside (self-signed). " +
	"Compare this key with one obtained elsewhere, or verify again with --key"

func (r *Report) held(name checkID, n int64) {
	r.Checked = append(r.Checked, Check{Name: string(name), Count: n})
}

// settle turns what stopped a verification into the report's failure, or
// returns it if the check could not be made. file is what was being read.
func (r *Report) settle(file string, err error) error {
	var f *Failure
	var form *zipform.FormError
	switch {
	case err == nil:
		if !r.Established && r.Key != "" {
			r.Notes = append(r.Notes, SelfSigned)
		}
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &f):
		r.First = f
	case errors.As(err, &form):
		r.First = &Failure{File: file, Place: fmt.Sprintf("byte %d", form.Offset), Expected: form.Want, Found: form.Got}
		if form.Entry != "" {
			r.First.File = file + ": " + form.Entry
		}
	case errors.Is(err, seal.ErrSignature), errors.Is(err, seal.ErrMalformed), errors.Is(err, ledger.ErrSignature), errors.Is(err, ledger.ErrCheckpoint):
		r.First = &Failure{File: file, Place: "signature", Expected: "a signature by " + r.Key, Found: err.Error()}
	default:
		return err
	}
	return nil
}

// clip makes a hostile text fit for a report.
func clip(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || 0x7f <= c && c < 0xa0 || 0x2028 <= c && c <= 0x202e || 0x2066 <= c && c <= 0x2069 {
			return '\uFFFD'
		}
		return c
	}, s)
	if r := []rune(s); len(r) > 160 {
		return string(r[:160]) + "\u2026"
	}
	return s
}

// Key is what signatures are checked with. Nil means: with the key found
// inside, and say so.
type Key = note.Verifier

// source is something to verify that can be read at random.
type source interface {
	io.ReaderAt
	Size() int64
}

// openSeal opens the seal of an archive with the key given, or with the one
// that it names itself.
func (r *Report) openSeal(msg []byte, key Key) (seal.Seal, Key, error) {
	if key != nil {
		r.Established = true
	} else {
		var err error
		if key, err = seal.Claimed(msg); err != nil {
			return seal.Seal{}, nil, err
		}
	}
	r.Key = keyName(key)
	s, err := seal.Open(msg, key)
	if err != nil {
		return seal.Seal{}, nil, err
	}
	r.Key = s.Key
	return s, key, nil
}

// keyName names a key without its public half, which note does not give away.
func keyName(k Key) string { return fmt.Sprintf("%s+%08x", k.Name(), k.KeyHash()) }
