package catalog

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// maxErrors bounds what Validate reports about one payload.
const maxErrors = 20

// object is an object type with its fields by name.
type object struct {
	byName   map[string]*member
	required []*member
	count    int
}

type member struct {
	name  string
	typ   *prepared
	index int
}

// prepared is a Type made ready for checking.
type prepared struct {
	name TypeName
	elem *prepared
	obj  *object
}

func prepare(t *Type) *prepared {
	p := &prepared{name: t.Name}
	if t.Elem != nil {
		p.elem = prepare(t.Elem)
	}
	if t.Name == Object {
		p.obj = prepareObject(t.Fields)
	}
	return p
}

func prepareObject(fields []Field) *object {
	o := &object{byName: make(map[string]*member, len(fields)), count: len(fields)}
	for i := range fields {
		m := &member{name: fields[i].Name, typ: prepare(&fields[i].Type), index: i}
		o.byName[m.name] = m
		if fields[i].Required {
			o.required = append(o.required, m)
		}
	}
	return o
}

// Validate checks a payload against the kind's fields: what is required is
// there, and what is there has the right type. Fields the kind does not name
// are not looked into. Errors name the place, never the content.
func (k *Kind) Validate(payload []byte) []error {
	c := checker{dec: jsontext.NewDecoder(bytes.NewBuffer(payload))}
	if c.dec.PeekKind() != '{' {
		return []error{fmt.Errorf("%s: the payload is not a JSON object", k.ID)}
	}
	if err := c.object(k.object); err != nil {
		c.errs = append(c.errs, fmt.Errorf("payload: %w", err))
	}
	for i, err := range c.errs {
		c.errs[i] = fmt.Errorf("%s: %w", k.ID, err)
	}
	return c.errs
}

type checker struct {
	dec  *jsontext.Decoder
	path []string
	errs []error
}

// object reads one object. The error returned is broken JSON; what does not
// fit is kept in c.errs.
func (c *checker) object(o *object) error {
	if _, err := c.dec.ReadToken(); err != nil {
		return err
	}
	var small [64]bool
	seen := small[:]
	if o.count > len(small) {
		seen = make([]bool, o.count)
	}
	for c.dec.PeekKind() != '}' {
		name, err := c.dec.ReadToken()
		if err != nil {
			return err
		}
		m, known := o.byName[name.String()]
		if !known {
			if err := c.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		seen[m.index] = c.dec.PeekKind() != 'n'
		c.path = append(c.path, m.name)
		if err := c.value(m.typ); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-1]
	}
	for _, m := range o.required {
		if !seen[m.index] {
			c.fail("%s is missing", m.name)
		}
	}
	_, err := c.dec.ReadToken()
	return err
}

// value reads one value. Null passes: it means absent.
func (c *checker) value(t *prepared) error {
	kind := c.dec.PeekKind()
	if kind == 'n' || t.name == JSON {
		return c.dec.SkipValue()
	}
	if !t.accepts(kind) {
		c.fail("want %s, got %s", t.name, describe(kind))
		return c.dec.SkipValue()
	}
	switch t.name {
	case Object:
		return c.object(t.obj)
	case List:
		return c.list(t.elem)
	case Map:
		return c.mapping(t.elem)
	}
	tok, err := c.dec.ReadToken()
	if err != nil {
		return err
	}
	switch t.name {
	case Time:
		if !isTime(tok.String()) {
			c.fail("want a time as RFC 3339, for example 2026-05-01T09:30:00Z")
		}
	case Date:
		if s := tok.String(); !isDate(s) && !isTime(s) {
			c.fail("want a date, for example 2026-05-01")
		}
	case Int:
		if strings.ContainsAny(tok.String(), ".eE") {
			c.fail("want int, got a number with a fraction or exponent")
		}
	}
	return nil
}

func (c *checker) list(elem *prepared) error {
	if _, err := c.dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; c.dec.PeekKind() != ']'; i++ {
		c.path = append(c.path, "["+strconv.Itoa(i)+"]")
		if c.dec.PeekKind() == 'n' {
			c.fail("want %s, got null", elem.name)
		}
		if err := c.value(elem); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-1]
	}
	_, err := c.dec.ReadToken()
	return err
}

func (c *checker) mapping(elem *prepared) error {
	if _, err := c.dec.ReadToken(); err != nil {
		return err
	}
	for c.dec.PeekKind() != '}' {
		if _, err := c.dec.ReadToken(); err != nil {
			return err
		}
		c.path = append(c.path, "{}")
		if err := c.value(elem); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-1]
	}
	_, err := c.dec.ReadToken()
	return err
}

func (c *checker) fail(format string, args ...any) {
	if len(c.errs) >= maxErrors {
		return
	}
	msg := fmt.Sprintf(format, args...)
	if len(c.path) == 0 {
		c.errs = append(c.errs, fmt.Errorf("%s", msg))
		return
	}
	at := strings.NewReplacer(".[", "[", ".{", "{").Replace(strings.Join(c.path, "."))
	c.errs = append(c.errs, fmt.Errorf("%s: %s", at, msg))
}

func (t *prepared) accepts(k jsontext.Kind) bool {
	switch t.name {
	case String, Time, Date:
		return k == '"'
	case Int, Number:
		return k == '0'
	case Bool:
		return k == 't' || k == 'f'
	case List:
		return k == '['
	default: // Map, Object
		return k == '{'
	}
}

func describe(k jsontext.Kind) string {
	switch k {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case '[':
		return "an array"
	case '{':
		return "an object"
	}
	return "broken JSON"
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
