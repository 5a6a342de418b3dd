package assess

import (
	"strings"
	"unicode"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// person gives the form in which a name is compared: neither the case of its
// letters, nor what is round and between its words, be it white space, a dot, a
// line or an @ before it, nor what cannot be seen makes another person of it.
func person(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '.' || r == '_' || r == '-':
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
	return strings.Join(strings.Fields(strings.TrimPrefix(strings.TrimSpace(name), "@")), " ")
}

// samePerson reports whether two names are those of one person. Nobody is the
// same as nobody.
func samePerson(a, b string) bool { return person(a) == person(b) }

// personFunctions let conditions compare people.
func personFunctions() cel.EnvOption {
	return cel.Lib(functions{
		cel.Function("person", cel.Overload("person_string", []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.String(person(string(v.(types.String)))) }))),
		cel.Function("samePerson", cel.Overload("same_person_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return types.Bool(samePerson(string(a.(types.String)), string(b.(types.String))))
			}))),
	})
}
