package assess

import (
	"maps"
	"slices"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// paramForm names what a param is. A text that reads as a duration (14d) is a
// duration.
func paramForm(v any) string {
	switch v := v.(type) {
	case int64:
		return "a whole number"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	case string:
		if _, err := yamlfile.ParseDuration(v); err == nil {
			return "a duration"
		}
		return "text"
	case []any:
		return "a list of texts"
	}
	return ""
}

// paramValue gives a param's type and value; ok is false for a form that
// params cannot have.
func paramValue(v any) (t *cel.Type, val ref.Val, ok bool) {
	switch v := v.(type) {
	case int64:
		return cel.IntType, types.Int(v), true
	case float64:
		return cel.DoubleType, types.Double(v), true
	case bool:
		return cel.BoolType, types.Bool(v), true
	case string:
		if d, err := yamlfile.ParseDuration(v); err == nil {
			return cel.DurationType, types.Duration{Duration: d}, true
		}
		return cel.StringType, types.String(v), true
	case []any:
		list := make([]ref.Val, 0, len(v))
		for _, item := range v {
			s, isText := item.(string)
			if !isText {
				return nil, nil, false
			}
			list = append(list, types.String(s))
		}
		return cel.ListType(cel.StringType), types.NewRefValList(types.DefaultTypeAdapter, list), true
	}
	return nil, nil, false
}

// compileParams registers the type of an expectation's params and returns
// their values.
func (s *schema) compileParams(e *Expectation) *object {
	info := &objectInfo{name: "params." + e.Slug}
	o := &object{name: info.name}
	for _, name := range slices.Sorted(maps.Keys(e.Params)) {
		t, v, ok := paramValue(e.Params[name])
		if !ok || !nameForm.MatchString(name) {
			e.node.File().Problemf(e.node.Path().Then("params", name), "not a param").
				Hint("a lower-case name, and a number, a text, true or false, a duration or a list of texts")
			continue
		}
		info.fields = append(info.fields, objectField{name: name, cel: t})
		o.names = append(o.names, name)
		o.values = append(o.values, v)
	}
	s.objects[info.name] = info
	return o
}

// durationParam resolves a duration written out or named as a param.
func (e *Expectation) durationParam(s string) (time.Duration, bool) {
	if d, err := yamlfile.ParseDuration(s); err == nil {
		return d, true
	}
	if v, ok := e.Params[s].(string); ok {
		d, err := yamlfile.ParseDuration(v)
		return d, err == nil
	}
	return 0, false
}
