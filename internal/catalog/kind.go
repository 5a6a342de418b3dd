package catalog

import (
	"fmt"
	"strings"
)

// Strength says what a kind can show. Design evidence never shows operation.
type Strength string

// Values of Strength.
const (
	Design    Strength = "design"    // a rule or setting exists
	Existence Strength = "existence" // an object or document exists
	Operation Strength = "operation" // something happened at a time
)

// Nature says whether a record can go away.
type Nature string

// Values of Nature.
const (
	Event Nature = "event" // happened once; stays true although the source forgets it
	State Nature = "state" // a reading of what is so now; gone when it is no longer there
)

// Kind is a type of record.
type Kind struct {
	ID          string   `json:"id"` // github.pull_request
	Major       int      `json:"major"`
	Family      string   `json:"family"` // the part of the id before the dot
	SubjectType string   `json:"subject_type"`
	Strength    Strength `json:"strength"`
	Nature      Nature   `json:"nature"`
	// EventTime names the payload field that says when it happened; empty for
	// a reading of a current state, whose records have no event time.
	EventTime   string   `json:"event_time,omitempty"`
	Key         string   `json:"key"` // what tells two records apart, in words
	CanProve    string   `json:"can_prove"`
	CannotProve string   `json:"cannot_prove"`
	Pitfalls    []string `json:"pitfalls,omitempty"`
	Fields      []Field  `json:"fields"` // of the payload

	object *object // Fields, prepared for Validate
}

// Type returns the payload's type: an object with the kind's fields.
func (k *Kind) Type() *Type { return &Type{Name: Object, Fields: k.Fields} }

// Field returns the payload field with a name.
func (k *Kind) Field(name string) (*Field, bool) { return field(k.Fields, name) }

// Field is one member of an object.
type Field struct {
	Name     string   `json:"name"`
	Type     Type     `json:"type"`
	Required bool     `json:"required,omitempty"`
	About    string   `json:"about,omitempty"`
	Values   []string `json:"values,omitempty"` // the values known today; others are not an error
}

// TypeName is the outermost form of a type.
type TypeName string

// Type names and their JSON form.
const (
	String TypeName = "string" // string
	Int    TypeName = "int"    // whole number within ±2^53
	Number TypeName = "number" // number
	Bool   TypeName = "bool"   // true or false
	Time   TypeName = "time"   // string, RFC 3339
	Date   TypeName = "date"   // string, 2026-05-01; a time of RFC 3339 is accepted too
	JSON   TypeName = "json"   // anything
	List   TypeName = "list"   // array of Elem
	Map    TypeName = "map"    // object of any keys, each value an Elem
	Object TypeName = "object" // object with Fields
)

// Type is the type of a field.
type Type struct {
	Name   TypeName `json:"name"`
	Elem   *Type    `json:"elem,omitempty"`   // of List and Map
	Fields []Field  `json:"fields,omitempty"` // of Object
}

// Field returns the member of an object type with a name.
func (t *Type) Field(name string) (*Field, bool) { return field(t.Fields, name) }

// String gives the form used in the kinds' files: list of string, map of
// number, object.
func (t *Type) String() string {
	if t.Elem != nil {
		return fmt.Sprintf("%s of %s", t.Name, t.Elem)
	}
	return string(t.Name)
}

func field(fields []Field, name string) (*Field, bool) {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i], true
		}
	}
	return nil, false
}

// parseType reads the form that String gives. The innermost type is returned
// too, to take the fields of an object.
func parseType(s string) (outer, inner *Type, err error) {
	name, rest, nested := strings.Cut(strings.TrimSpace(s), " of ")
	t := &Type{Name: TypeName(name)}
	switch t.Name {
	case String, Int, Number, Bool, Time, Date, JSON, Object:
		if nested {
			return nil, nil, fmt.Errorf("%s has no element type", name)
		}
		return t, t, nil
	case List, Map:
		if !nested {
			return nil, nil, fmt.Errorf("%s of what? write for example %s of string", name, name)
		}
		elem, last, err := parseType(rest)
		t.Elem = elem
		return t, last, err
	}
	return nil, nil, fmt.Errorf("unknown type %q", name)
}
