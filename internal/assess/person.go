package assess

import (
	"strings"
	"unicode"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// NameForm gives the form in which a name is compared: neither the case of its
// letters, nor what is round and between its words, be it white space, a dot, a
// line or an @ before it, nor what cannot be seen makes another person of it.
func NameForm(name string) string {
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
func samePerson(a, b string) bool { return NameForm(a) == NameForm(b) }

// namesKind says by which names systems know a person: the e-mail address, the
// name that is displayed, a login.
const namesKind = "directory.names"

// peopleName is the hidden variable that functions about people use. It holds
// what viewName does, and says that no system is looked at.
const peopleName = "@people"

// personMacros rewrite person(a) to @people.person(a), and samePerson(a, b)
// likewise, so that names are compared as the people known at the instant that
// is being assessed use them.
func personMacros() []cel.Macro {
	var out []cel.Macro
	for name, args := range map[string]int{"person": 1, "samePerson": 2} {
		out = append(out, cel.GlobalMacro(name, args,
			func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
				return eh.NewMemberCall(name, eh.NewIdent(peopleName), args...), nil
			}))
	}
	return out
}

// personFunctions let conditions compare people.
func personFunctions() cel.EnvOption {
	text := cel.StringType
	return cel.Lib(functions{
		cel.Function("person", cel.MemberOverload("people_person", []*cel.Type{viewType(), text}, text,
			cel.BinaryBinding(func(v, name ref.Val) ref.Val {
				return types.String(v.(*viewVal).w.v.reg.person(string(name.(types.String))))
			}))),
		cel.Function("samePerson", cel.MemberOverload("people_same", []*cel.Type{viewType(), text, text}, cel.BoolType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return types.Bool(args[0].(*viewVal).w.v.reg.same(string(args[1].(types.String)), string(args[2].(types.String))))
			}))),
	})
}

// readNames finds out whom each name stands for. A person's own id comes
// first; a name that two people have stands for nobody but itself.
func (reg *registerView) readNames(v *view) {
	reg.people = map[string]string{}
	own := map[string]bool{}
	v.live(namesKind, func(t *table, row int32, _ bool) { own[NameForm(t.text(row, "person"))] = true })
	shared := map[string]bool{}
	v.live(namesKind, func(t *table, row int32, _ bool) {
		id := NameForm(t.text(row, "person"))
		for _, name := range t.textList(row, "names") {
			name = NameForm(name)
			if known, taken := reg.people[name]; taken && known != id {
				shared[name] = true
			}
			if id != "" && name != "" && !own[name] {
				reg.people[name] = id
			}
		}
	})
	for name := range shared {
		delete(reg.people, name)
	}
}

// person gives the form in which a name is compared: that of the person whom
// it stands for, if that is known.
func (reg *registerView) person(name string) string {
	form := NameForm(name)
	if id, ok := reg.people[form]; ok {
		return id
	}
	return form
}

// same reports whether two names are those of one person.
func (reg *registerView) same(a, b string) bool { return reg.person(a) == reg.person(b) }
