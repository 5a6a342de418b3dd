package assess

import (
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// systemKind is the kind of the AI systems in the register.
const systemKind = "inventory.ai_system"

// Kinds that the engine itself understands, beside those of expectations.
const (
	vendorKind = "vendor.record"
	waiverKind = "waiver.record"
	soaKind    = "soa.record"
	uploadKind = "evidence.manual_upload"

	repositoryKind = "github.repository"
)

// kindInfo is a kind as the rules see it: which of its fields some rule reads,
// and where a row keeps them.
type kindInfo struct {
	kind   *catalog.Kind
	event  bool // nature event
	fields []*fieldInfo
	byName map[string]*fieldInfo
	used   bool // some rule, or the engine, needs rows of the kind
	number int  // among the kinds

	indexes [][]string // fields of each index that joins use
}

// fieldInfo is one field that rules refer to. Its index is its cell in a row.
type fieldInfo struct {
	name  string
	index int
	typ   *catalog.Type
	cel   *cel.Type
	form  cellForm
}

// cellForm is how a row keeps a value in 64 bits.
type cellForm uint8

const (
	formText  cellForm = iota // interned string
	formInt                   // int64
	formFloat                 // bits of a float64
	formBool                  // 0 or 1
	formTime                  // nanoseconds since 1970
	formTexts                 // list of interned strings: offset<<24 | length
	formRaw                   // interned JSON, decoded when read
)

func formOf(t *catalog.Type) cellForm {
	switch t.Name {
	case catalog.String:
		return formText
	case catalog.Int:
		return formInt
	case catalog.Number:
		return formFloat
	case catalog.Bool:
		return formBool
	case catalog.Time, catalog.Date:
		return formTime
	case catalog.List:
		if t.Elem.Name == catalog.String {
			return formTexts
		}
	}
	return formRaw
}

// schema is what all kinds look like to conditions.
type schema struct {
	kinds   map[string]*kindInfo
	objects map[string]*objectInfo // nested objects and params, by type name
	sealed  bool                   // rows are laid out: no further field can be kept
}

// objectInfo is a nested object type.
type objectInfo struct {
	name   string
	fields []objectField
}

type objectField struct {
	name string
	typ  *catalog.Type // nil for params
	cel  *cel.Type
}

func newSchema(cat *catalog.Catalog) *schema {
	s := &schema{kinds: map[string]*kindInfo{}, objects: map[string]*objectInfo{}}
	for i, k := range cat.Kinds {
		s.kinds[k.ID] = &kindInfo{kind: k, number: i, event: k.Nature == catalog.Event, byName: map[string]*fieldInfo{}}
	}
	return s
}

// field returns a kind's field and makes rows keep it.
func (s *schema) field(k *kindInfo, name string) (*fieldInfo, bool) {
	if f, ok := k.byName[name]; ok {
		return f, true
	}
	cf, ok := k.kind.Field(name)
	if !ok || s.sealed {
		return nil, false
	}
	f := &fieldInfo{
		name: name, index: len(k.fields), typ: &cf.Type,
		cel: s.celType(&cf.Type, k.kind.ID+"."+name), form: formOf(&cf.Type),
	}
	k.fields = append(k.fields, f)
	k.byName[name] = f
	return f, true
}

// celType gives the type that conditions see. Nested objects are registered
// under the name of the field that holds them.
func (s *schema) celType(t *catalog.Type, name string) *cel.Type {
	switch t.Name {
	case catalog.String:
		return cel.StringType
	case catalog.Int:
		return cel.IntType
	case catalog.Number:
		return cel.DoubleType
	case catalog.Bool:
		return cel.BoolType
	case catalog.Time, catalog.Date:
		return cel.TimestampType
	case catalog.List:
		return cel.ListType(s.celType(t.Elem, name))
	case catalog.Map:
		return cel.MapType(cel.StringType, s.celType(t.Elem, name))
	case catalog.Object:
		if _, ok := s.objects[name]; !ok {
			o := &objectInfo{name: name}
			s.objects[name] = o
			for i := range t.Fields {
				f := &t.Fields[i]
				o.fields = append(o.fields, objectField{name: f.Name, typ: &f.Type, cel: s.celType(&f.Type, name+"."+f.Name)})
			}
		}
		return cel.ObjectType(name)
	}
	return cel.DynType
}

// envelopeType is the type of what every record has beside its payload.
func envelopeType(name string) (*cel.Type, bool) {
	switch name {
	case "_subject", "_subject_type", "_key", "_source":
		return cel.StringType, true
	case "_event_time", "_collected_at":
		return cel.TimestampType, true
	}
	return nil, false
}

func envelopeNames() []string {
	return []string{"_subject", "_subject_type", "_key", "_event_time", "_collected_at", "_source"}
}

// fieldNames lists what a condition may write after a record's name.
func (k *kindInfo) fieldNames() []string {
	out := envelopeNames()
	for i := range k.kind.Fields {
		out = append(out, k.kind.Fields[i].Name)
	}
	slices.Sort(out)
	return out
}

// provider tells the type checker about kinds and nested objects.
type provider struct {
	*types.Registry
	schema *schema
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.schema.kinds[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	if _, ok := p.schema.objects[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if k, ok := p.schema.kinds[name]; ok {
		return k.fieldNames(), true
	}
	if o, ok := p.schema.objects[name]; ok {
		var out []string
		for _, f := range o.fields {
			out = append(out, f.name)
		}
		return out, true
	}
	return p.Registry.FindStructFieldNames(name)
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if k, ok := p.schema.kinds[name]; ok {
		if strings.HasPrefix(field, "_") {
			t, ok := envelopeType(field)
			if !ok {
				return nil, false
			}
			return envelopeField(field, t), true
		}
		f, ok := p.schema.field(k, field)
		if !ok {
			return nil, false
		}
		return recordField(f), true
	}
	if o, ok := p.schema.objects[name]; ok {
		for i, f := range o.fields {
			if f.name == field {
				return memberField(i, f), true
			}
		}
		return nil, false
	}
	return p.Registry.FindStructFieldType(name, field)
}
