package assess

import (
	"errors"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"

	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// language is what the conditions of all rules have in common.
type language struct {
	base    *cel.Env
	schema  *schema
	checked func() *checkedConditions // nil if none came with the program, or they are of no use
}

// newLanguage makes the language for the kinds of a catalog. checked are the
// conditions that come type-checked, as in Options.
func newLanguage(s *schema, cat *catalog.Catalog, checked string) (*language, error) {
	base, err := baseEnv(s)
	if err != nil {
		return nil, err
	}
	return &language{base: base, schema: s, checked: sync.OnceValue(func() *checkedConditions {
		if checked == "" {
			return nil
		}
		return openChecked(checked, circumstances(base, cat))
	})}, nil
}

// variable is a name that conditions may use in a scope.
type variable struct {
	name string
	typ  *cel.Type
}

// scopeEnv is where conditions are type-checked. A lazy one leaves that until
// the condition is first evaluated: for conditions that are known to type-check.
type scopeEnv struct {
	*language
	vars   []variable
	lazy   bool
	moving []string                 // names whose values change within a scope
	own    func() (*cel.Env, error) // base with vars: made when first needed
	words  func() string            // vars in words
}

func newScopeEnv(l *language, vars []variable, lazy bool) *scopeEnv {
	env := &scopeEnv{language: l, vars: vars, lazy: lazy}
	env.own = sync.OnceValues(func() (*cel.Env, error) {
		opts := make([]cel.EnvOption, len(vars))
		for i, v := range vars {
			opts[i] = cel.Variable(v.name, v.typ)
		}
		return l.base.Extend(opts...)
	})
	env.words = sync.OnceValue(func() string { return l.schema.words(vars) })
	return env
}

// check type-checks a condition, unless it came type-checked with the program.
func (env *scopeEnv) check(text string) (*ast.AST, error) {
	if env.lazy {
		if checked := env.checked().find(keyOf(env.words(), text)); checked != nil {
			return checked, nil
		}
	}
	own, err := env.own()
	if err != nil {
		return nil, errors.New(sentence(err.Error()))
	}
	checked, issues := own.Compile(text)
	if issues != nil && issues.Err() != nil {
		return nil, errors.New(sentence(issues.Err().Error()))
	}
	return checked.NativeRep(), nil
}
