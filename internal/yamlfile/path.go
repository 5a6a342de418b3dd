package yamlfile

import (
	"fmt"
	"regexp"
	"strings"
)

// Path leads from the root of a file to a value: a string is a key of a
// mapping, an int an index of a list, from 0.
type Path []any

// At makes a Path of strings and ints.
func At(steps ...any) Path { return steps }

// Then returns p with more steps. p itself does not change.
func (p Path) Then(steps ...any) Path {
	out := make(Path, 0, len(p)+len(steps))
	return append(append(out, p...), steps...)
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// String gives the form systems[2].tier; a key that is not a plain word is
// written as ["A.6.2.5"].
func (p Path) String() string {
	var b strings.Builder
	for i, step := range p {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case string:
			if !plainKey.MatchString(s) {
				fmt.Fprintf(&b, "[%q]", s)
				continue
			}
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		default:
			fmt.Fprintf(&b, "[?%v]", s)
		}
	}
	return b.String()
}
