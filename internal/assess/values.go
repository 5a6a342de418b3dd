package assess

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// record is a row as a condition sees it.
type record struct {
	v   *view
	t   *table
	row int32
}

var (
	_ ref.Val            = (*record)(nil)
	_ traits.Indexer     = (*record)(nil)
	_ traits.FieldTester = (*record)(nil)
	_ ref.Val            = (*object)(nil)
	_ traits.Indexer     = (*object)(nil)
	_ traits.FieldTester = (*object)(nil)
)

func (r *record) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("a record cannot be converted")
}

func (r *record) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a record cannot be converted to %s", t.TypeName())
}

func (r *record) Equal(other ref.Val) ref.Val {
	o, ok := other.(*record)
	return types.Bool(ok && o.t == r.t && o.row == r.row)
}

func (r *record) Type() ref.Type { return cel.ObjectType(r.t.info.kind.ID) }
func (r *record) Value() any     { return r }

// Get reads a field by a name known only at evaluation.
func (r *record) Get(index ref.Val) ref.Val {
	name, _ := index.Value().(string)
	v, err := r.read(name)
	if err != nil {
		return types.NewErr("%s", err)
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

func (r *record) IsSet(field ref.Val) ref.Val {
	name, _ := field.Value().(string)
	if name == "_event_time" {
		return types.Bool(r.t.meta(r.row).event != absent)
	}
	if f, ok := r.t.info.byName[name]; ok {
		return types.Bool(r.t.cell(r.row, f.index) != absentCell)
	}
	return types.True
}

func (r *record) read(name string) (any, error) {
	if t, ok := envelopeType(name); ok {
		return envelopeField(name, t).GetFrom(r)
	}
	if f, ok := r.t.info.byName[name]; ok {
		return r.field(f)
	}
	return nil, fmt.Errorf("no field %s", name)
}

// field reads a payload field. An absent one is an error.
func (r *record) field(f *fieldInfo) (any, error) {
	c := r.t.cell(r.row, f.index)
	switch c {
	case absentCell:
		return nil, fmt.Errorf("%s %s has no %s", r.t.info.kind.ID, r.t.subjectID(r.row), f.name)
	case malformedCell:
		return nil, fmt.Errorf("%s of %s %s is not %s", f.name, r.t.info.kind.ID, r.t.subjectID(r.row), f.typ)
	}
	in := r.t.texts
	switch f.form {
	case formText:
		return types.String(in.str(text(c))), nil
	case formInt:
		return types.Int(int64(c)), nil
	case formFloat:
		return types.Double(math.Float64frombits(c)), nil
	case formBool:
		return types.Bool(c == 1), nil
	case formTime:
		return types.Timestamp{Time: instant(int64(c))}, nil
	case formTexts:
		list := r.t.list(c)
		out := make([]ref.Val, len(list))
		for i, t := range list {
			out[i] = types.String(in.str(t))
		}
		return types.NewRefValList(types.DefaultTypeAdapter, out), nil
	}
	v, err := r.v.decode(text(c), f.typ)
	if err != nil {
		return nil, fmt.Errorf("%s of %s %s: %w", f.name, r.t.info.kind.ID, r.t.subjectID(r.row), err)
	}
	return v, nil
}

func recordField(f *fieldInfo) *types.FieldType {
	return &types.FieldType{
		Type: f.cel,
		IsSet: func(target any) bool {
			r, ok := target.(*record)
			return ok && r.t.cell(r.row, f.index) != absentCell
		},
		GetFrom: func(target any) (any, error) {
			r, ok := target.(*record)
			if !ok {
				return nil, fmt.Errorf("no record to read %s from", f.name)
			}
			return r.field(f)
		},
	}
}

func envelopeField(name string, t *cel.Type) *types.FieldType {
	get := func(r *record) any {
		m := r.t.meta(r.row)
		switch name {
		case "_subject":
			return types.String(r.t.texts.str(m.subjectID))
		case "_subject_type":
			return types.String(r.t.texts.str(m.subjectType))
		case "_key":
			return types.String(r.t.texts.str(r.t.slot(m.slot).key))
		case "_source":
			return types.String(r.t.texts.str(r.t.slot(m.slot).source))
		case "_collected_at":
			return types.Timestamp{Time: instant(m.collected)}
		}
		return types.Timestamp{Time: instant(m.event)}
	}
	return &types.FieldType{
		Type: t,
		IsSet: func(target any) bool {
			r, ok := target.(*record)
			return ok && (name != "_event_time" || r.t.meta(r.row).event != absent)
		},
		GetFrom: func(target any) (any, error) {
			r, ok := target.(*record)
			if !ok {
				return nil, fmt.Errorf("no record to read %s from", name)
			}
			if name == "_event_time" && r.t.meta(r.row).event == absent {
				return nil, fmt.Errorf("%s %s has no event time", r.t.info.kind.ID, r.t.subjectID(r.row))
			}
			return get(r), nil
		},
	}
}

// object is a nested object, or the params of an expectation. A nil value is
// an absent member.
type object struct {
	name   string
	values []ref.Val
	names  []string
}

func (o *object) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("an object cannot be converted")
}

func (o *object) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("an object cannot be converted to %s", t.TypeName())
}

func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	if !ok || p.name != o.name || len(p.values) != len(o.values) {
		return types.False
	}
	for i, v := range o.values {
		if (v == nil) != (p.values[i] == nil) || v != nil && v.Equal(p.values[i]) != types.True {
			return types.False
		}
	}
	return types.True
}

func (o *object) Type() ref.Type { return cel.ObjectType(o.name) }
func (o *object) Value() any     { return o }

func (o *object) Get(index ref.Val) ref.Val {
	name, _ := index.Value().(string)
	for i, n := range o.names {
		if n == name && o.values[i] != nil {
			return o.values[i]
		}
	}
	return types.NewErr("no field %s", name)
}

func (o *object) IsSet(field ref.Val) ref.Val {
	name, _ := field.Value().(string)
	for i, n := range o.names {
		if n == name {
			return types.Bool(o.values[i] != nil)
		}
	}
	return types.False
}

func memberField(i int, f objectField) *types.FieldType {
	return &types.FieldType{
		Type: f.cel,
		IsSet: func(target any) bool {
			o, ok := target.(*object)
			return ok && i < len(o.values) && o.values[i] != nil
		},
		GetFrom: func(target any) (any, error) {
			o, ok := target.(*object)
			if !ok || i >= len(o.values) || o.values[i] == nil {
				return nil, fmt.Errorf("no %s", f.name)
			}
			return o.values[i], nil
		},
	}
}

// decodeJSON gives a JSON text as a value of a type.
func decodeJSON(s string, t *catalog.Type) (ref.Val, error) {
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return typed(v, t)
}

func typed(v any, t *catalog.Type) (ref.Val, error) {
	bad := fmt.Errorf("want %s", t)
	switch t.Name {
	case catalog.String:
		if s, ok := v.(string); ok {
			return types.String(s), nil
		}
		return nil, bad
	case catalog.Int, catalog.Number:
		f, ok := v.(float64)
		if !ok || t.Name == catalog.Int && f != math.Trunc(f) {
			return nil, bad
		}
		if t.Name == catalog.Int {
			return types.Int(f), nil
		}
		return types.Double(f), nil
	case catalog.Bool:
		if b, ok := v.(bool); ok {
			return types.Bool(b), nil
		}
		return nil, bad
	case catalog.Time, catalog.Date:
		s, _ := v.(string)
		ns, ok := parseTime(s)
		if !ok {
			return nil, bad
		}
		return types.Timestamp{Time: instant(ns)}, nil
	case catalog.List:
		return typedList(v, t)
	case catalog.Map:
		return typedMap(v, t)
	case catalog.Object:
		return typedObject(v, t)
	}
	return types.DefaultTypeAdapter.NativeToValue(v), nil
}

func typedList(v any, t *catalog.Type) (ref.Val, error) {
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("want %s", t)
	}
	out := make([]ref.Val, 0, len(items))
	for _, item := range items {
		e, err := typed(item, t.Elem)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out), nil
}

func typedMap(v any, t *catalog.Type) (ref.Val, error) {
	items, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want %s", t)
	}
	out := make(map[ref.Val]ref.Val, len(items))
	var keys []ref.Val
	for _, k := range slices.Sorted(maps.Keys(items)) {
		if items[k] == nil {
			continue
		}
		e, err := typed(items[k], t.Elem)
		if err != nil {
			return nil, err
		}
		keys = append(keys, types.String(k))
		out[types.String(k)] = e
	}
	return &sortedMap{Mapper: types.NewRefValMap(types.DefaultTypeAdapter, out), keys: keys}, nil
}

// sortedMap is a map that is walked in the order of its keys, so that the same
// payload always gives the same words.
type sortedMap struct {
	traits.Mapper
	keys []ref.Val
}

func (m *sortedMap) Iterator() traits.Iterator {
	return types.NewRefValList(types.DefaultTypeAdapter, m.keys).Iterator()
}

func typedObject(v any, t *catalog.Type) (ref.Val, error) {
	items, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want %s", t)
	}
	o := &object{values: make([]ref.Val, len(t.Fields)), names: make([]string, len(t.Fields))}
	for i := range t.Fields {
		f := &t.Fields[i]
		o.names[i] = f.Name
		item, ok := items[f.Name]
		if !ok || item == nil {
			continue
		}
		e, err := typed(item, &f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		o.values[i] = e
	}
	return o, nil
}

// absent stands for no instant.
const absent = math.MinInt64

// Cells that hold no value. No real value has these bits: texts and lists are
// far smaller, whole numbers and instants far from the limit, and a fraction
// with them is a zero written as -0 or too small to be meant.
const (
	absentCell    = uint64(1) << 63
	malformedCell = absentCell + 1
)

func instant(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// nanos is the inverse of instant; the zero time is absent. Times outside the
// years 1900 to 2200 are brought to these limits.
func nanos(t time.Time) int64 {
	if s := t.Unix(); s > plainFrom && s < plainTo {
		return t.UnixNano()
	}
	switch {
	case t.IsZero():
		return absent
	case t.Year() < 1900:
		return time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	case t.Year() > 2200:
		return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	}
	return t.UnixNano()
}

// Between these seconds no zone makes a year of an instant that is too far away.
const plainFrom, plainTo = -2_208_000_000, 7_257_000_000

// timeIn is parseTime without making a text of the most usual form,
// 2006-01-02T15:04:05Z.
func timeIn(b []byte) (int64, bool) {
	const form = "0000-00-00T00:00:00Z"
	if len(b) != len(form) {
		return parseTime(string(b))
	}
	for i := range b {
		if c := form[i]; c != '0' && b[i] != c || c == '0' && (b[i] < '0' || b[i] > '9') {
			return parseTime(string(b))
		}
	}
	two := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	year, month, day, hour, minute, second := two(0)*100+two(2), two(5), two(8), two(11), two(14), two(17)
	if year < 1901 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return parseTime(string(b))
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).UnixNano(), true
}

// parseTime reads a time or a date of a payload.
func parseTime(s string) (int64, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if t, err = time.Parse(time.DateOnly, s); err != nil {
			return 0, false
		}
	}
	if t.IsZero() {
		return 0, false
	}
	return nanos(t), true
}
