package service

import (
	"errors"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Mistake is something that was asked for and cannot be: a name that nobody
// bears, a time in the future, a word that means nothing.
type Mistake struct {
	Err    error
	Remedy string
}

func (m Mistake) Error() string { return m.Err.Error() }

// Unwrap returns what was wrong.
func (m Mistake) Unwrap() error { return m.Err }

// Hint returns the remedy.
func (m Mistake) Hint() string { return m.Remedy }

// NotFound is a Mistake: nothing has the name that was asked for.
type NotFound struct{ Mistake }

// Unwrap returns the Mistake.
func (n NotFound) Unwrap() error { return n.Mistake }

func mistake(remedy, format string, args ...any) error {
	return Mistake{fmt.Errorf(format, args...), remedy}
}

// notFound says that nothing is called so, and names what is called nearly so.
func notFound(name string, known []string, otherwise, format string, args ...any) error {
	hint := otherwise
	if near := yamlfile.Nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return NotFound{Mistake{fmt.Errorf(format, args...), hint}}
}

// IsMistake reports whether an error is one of whoever asked.
func IsMistake(err error) bool {
	var m Mistake
	return errors.As(err, &m)
}

func firstFew(names []string, n int) string { return strings.Join(names[:min(len(names), n)], ", ") }
