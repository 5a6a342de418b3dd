package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// maxCost bounds one evaluation, in CEL's units; a page of a thousand items
// with a few fields each costs some ten thousand.
const maxCost = 2_000_000

// newEnv returns the language of expressions: CEL with optional values,
// strings, lists and encoders. All names are there in every expression; which
// of them hold something depends on the place.
func newEnv() (*cel.Env, error) {
	return cel.NewEnv(
		cel.OptionalTypes(),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.Encoders(),
		cel.Variable("item", cel.DynType),
		cel.Variable("parent", cel.DynType),
		cel.Variable("body", cel.DynType),
	)
}

// expr is a checked expression.
type expr struct {
	prog cel.Program
}

// vars are what an expression sees.
type vars map[string]any

// compile checks the expression at a place of the settings.
func compile(env *cel.Env, at, source string) (*expr, error) {
	if len(source) > 10_000 {
		return nil, fmt.Errorf("%s: longer than 10,000 characters", at)
	}
	ast, iss := env.Compile(source)
	if iss.Err() != nil {
		return nil, fmt.Errorf("%s: %w", at, iss.Err())
	}
	prog, err := env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return &expr{prog: prog}, nil
}

func (e *expr) eval(ctx context.Context, v vars) (ref.Val, error) {
	all := map[string]any{"item": nil, "parent": nil, "body": nil}
	for name, value := range v {
		all[name] = value
	}
	out, _, err := e.prog.ContextEval(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("%s", records.Line(err.Error(), 300))
	}
	if opt, ok := out.(*types.Optional); ok {
		if !opt.HasValue() {
			return types.NullValue, nil
		}
		return opt.GetValue(), nil
	}
	return out, nil
}

// truth evaluates to yes or no; anything else is an error.
func (e *expr) truth(ctx context.Context, v vars) (bool, error) {
	out, err := e.eval(ctx, v)
	if err != nil {
		return false, err
	}
	b, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("it gives %s, want true or false", typeName(out))
	}
	return b, nil
}

// text evaluates to a text; a number becomes one, null is empty.
func (e *expr) text(ctx context.Context, v vars) (string, error) {
	out, err := e.eval(ctx, v)
	if err != nil {
		return "", err
	}
	switch out := out.(type) {
	case types.Null:
		return "", nil
	case types.String:
		return string(out), nil
	case types.Int, types.Uint:
		return fmt.Sprint(out.Value()), nil
	case types.Double:
		if n := int64(out); float64(n) == float64(out) {
			return fmt.Sprint(n), nil
		}
	}
	return "", fmt.Errorf("it gives %s, want a text", typeName(out))
}

// number evaluates to a whole number.
func (e *expr) number(ctx context.Context, v vars) (int64, error) {
	out, err := e.eval(ctx, v)
	if err != nil {
		return 0, err
	}
	switch out := out.(type) {
	case types.Int:
		return int64(out), nil
	case types.Double:
		if n := int64(out); float64(n) == float64(out) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("it gives %s, want a whole number", typeName(out))
}

// moment evaluates to a time: CEL's own, a text, or seconds since 1970. Null
// and an empty text are the zero time.
func (e *expr) moment(ctx context.Context, v vars) (time.Time, error) {
	out, err := e.eval(ctx, v)
	if err != nil {
		return time.Time{}, err
	}
	switch out := out.(type) {
	case types.Null:
		return time.Time{}, nil
	case types.Timestamp:
		return out.UTC(), nil
	case types.String:
		if out == "" {
			return time.Time{}, nil
		}
		at, _, err := records.ParseTime(string(out))
		return at, err
	case types.Int:
		return seconds(int64(out))
	case types.Double:
		return seconds(int64(out))
	}
	return time.Time{}, fmt.Errorf("it gives %s, want a time", typeName(out))
}

func seconds(n int64) (time.Time, error) {
	if at := records.Unix(n); !at.IsZero() {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%d is not a time in seconds since 1970", n)
}

// list evaluates to a list; an object is a list of one.
func (e *expr) list(ctx context.Context, v vars) ([]ref.Val, error) {
	out, err := e.eval(ctx, v)
	if err != nil {
		return nil, err
	}
	switch out := out.(type) {
	case traits.Lister:
		var items []ref.Val
		for it := out.Iterator(); it.HasNext() == types.True; {
			items = append(items, it.Next())
		}
		return items, nil
	case traits.Mapper:
		return []ref.Val{out}, nil
	}
	return nil, fmt.Errorf("it gives %s, want a list", typeName(out))
}

// plain brings a value of CEL into the form of decoded JSON, with numbers as
// json.Number; whole numbers that JSON cannot carry exactly become texts.
func plain(v ref.Val) (any, error) {
	value, err := v.ConvertToNative(reflect.TypeFor[*structpb.Value]())
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written as JSON", typeName(v))
	}
	raw, err := value.(*structpb.Value).MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written as JSON", typeName(v))
	}
	return decode(raw)
}

// decode reads JSON with numbers as they were written.
func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out any
	if err := dec.Decode(&out); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after its end")
	}
	return out, nil
}

// native gives decoded JSON the numbers that expressions know: whole ones stay
// whole.
func native(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case []any:
		for i := range v {
			v[i] = native(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = native(v[k])
		}
	}
	return v
}

func typeName(v ref.Val) string {
	if v == types.NullValue {
		return "nothing"
	}
	return "a value of type " + v.Type().TypeName()
}
