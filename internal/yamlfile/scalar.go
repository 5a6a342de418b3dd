package yamlfile

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text returns the text of a scalar. A number or a truth value is not text.
func (f *File) text(n ast.Node, at Path) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	}
	p := f.Problemf(at, "want text, this is %s", describe(n))
	if (Node{node: n}).Shape() == Scalar {
		p.Hint("put it in quotes: %q", n.GetToken().Value)
	}
	return "", false
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return Node{node: n}.Shape().String()
}

func (f *File) scalar(n ast.Node, at Path, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := f.text(n, at); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			f.Problemf(at, "want true or false, this is %s", describe(n))
			return
		}
		v.SetBool(b.Value)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, ok := integer(n)
		if !ok || v.OverflowInt(i) {
			f.Problemf(at, "want a whole number, this is %s", describe(n))
			return
		}
		v.SetInt(i)
	case reflect.Float32, reflect.Float64:
		x, ok := number(n)
		if !ok {
			f.Problemf(at, "want a number, this is %s", describe(n))
			return
		}
		v.SetFloat(x)
	default:
		panic(fmt.Sprintf("yamlfile: cannot decode into %s", v.Type()))
	}
}

func integer(n ast.Node) (int64, bool) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch x := i.Value.(type) {
	case int64:
		return x, true
	case uint64:
		return int64(x), x <= math.MaxInt64
	}
	return 0, false
}

func number(n ast.Node) (float64, bool) {
	if i, ok := integer(n); ok {
		return float64(i), true
	}
	if x, ok := n.(*ast.FloatNode); ok {
		return x.Value, !math.IsInf(x.Value, 0) && !math.IsNaN(x.Value)
	}
	return 0, false
}

func (f *File) time(n ast.Node, at Path, v reflect.Value) {
	s, ok := f.text(n, at)
	if !ok {
		return
	}
	t, err := ParseTime(s)
	if err != nil {
		f.Problemf(at, "%s", err).Hint("write 2026-05-01 or 2026-05-01T09:30:00Z")
		return
	}
	v.Set(reflect.ValueOf(t))
}

// ParseTime reads a date (midnight UTC) or an RFC 3339 time, of the years 1900
// to 9999, and returns it in UTC.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	if err != nil || t.Year() < 1900 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%q is not a date or time", s)
	}
	return t.UTC(), nil
}

func (f *File) duration(n ast.Node, at Path, v reflect.Value) {
	s, ok := f.text(n, at)
	if !ok {
		return
	}
	d, err := ParseDuration(s)
	if err != nil {
		f.Problemf(at, "%s", err).Hint("write 365d, 36h, 30m or 90s")
		return
	}
	v.SetInt(int64(d))
}

// ParseDuration reads 365d, 36h, 30m, 90s and their combinations in that
// order. A day is 24 hours. Negative durations are refused.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration", s)
	days, rest := time.Duration(0), s
	if before, after, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseUint(before, 10, 16)
		if err != nil {
			return 0, bad
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "+") || days+d < days {
		return 0, bad
	}
	return days + d, nil
}

// free decodes a value of any form: map[string]any, []any, string, bool,
// int64, float64 or nil.
func (f *File) free(n ast.Node, at Path) any {
	switch s := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		out := map[string]any{}
		for _, e := range pairs(n) {
			if _, twice := out[keyText(e)]; twice {
				f.repeated(e, at)
				continue
			}
			out[keyText(e)] = f.free(e.Value, at.Then(keyText(e)))
		}
		return out
	case *ast.SequenceNode:
		out := make([]any, 0, len(s.Values))
		for i, item := range s.Values {
			out = append(out, f.free(item, at.Then(i)))
		}
		return out
	case *ast.BoolNode:
		return s.Value
	case *ast.StringNode, *ast.LiteralNode:
		t, _ := f.text(n, at)
		return t
	case nil, *ast.NullNode:
		return nil
	}
	if i, ok := integer(n); ok {
		return i
	}
	if x, ok := number(n); ok {
		return x
	}
	f.Problemf(at, "a value that is neither text, number, truth value, list nor mapping")
	return nil
}

func (f *File) raw(n ast.Node, at Path, v reflect.Value) {
	b, err := json.Marshal(f.free(n, at))
	if err != nil {
		f.Problemf(at, "cannot be written as JSON: %s", err)
		return
	}
	v.SetBytes(b)
}
