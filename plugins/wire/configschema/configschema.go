// Package configschema checks a source's settings against the JSON Schema that
// its connector describes. The schema comes from a connector and is hostile
// input: it may refer to nothing outside itself.
//
// It may import the jsonschema library only. It promises errors that name the
// place in the settings, all of them at once.
package configschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// location names the schema inside the compiler; nothing is ever read there.
const location = "exhibit://config/schema.json"

// Schema is a compiled schema.
type Schema struct{ schema *jsonschema.Schema }

// Compile reads a JSON Schema, by default of draft 2020-12. A reference to
// another document is an error.
func Compile(raw json.RawMessage) (*Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("config schema: %w", err)
	}
	if _, ok := doc.(map[string]any); !ok {
		return nil, errors.New("config schema: not a JSON object")
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(refuseLoader{})
	if err := c.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("config schema: %w", err)
	}
	s, err := c.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("config schema: %w", err)
	}
	return &Schema{schema: s}, nil
}

// refuseLoader keeps a schema from reading files and addresses.
type refuseLoader struct{}

func (refuseLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a reference to another document is not allowed: %q", url)
}

// Problem is one place where settings do not fit.
type Problem struct {
	Path string // JSON Pointer into the settings; empty for the whole
	Text string // what is wrong there
}

// Error holds every problem of some settings, ordered by place.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = strings.TrimPrefix(p.Path+": ", ": ") + p.Text
	}
	return strings.Join(lines, "; ")
}

// Validate checks settings. No settings count as an empty object. The error is
// an *Error unless the settings are not JSON at all.
func (s *Schema) Validate(settings json.RawMessage) error {
	if len(bytes.TrimSpace(settings)) == 0 {
		settings = json.RawMessage("{}")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(settings))
	if err != nil {
		return fmt.Errorf("settings are not JSON: %w", err)
	}
	if _, ok := doc.(map[string]any); !ok {
		return &Error{Problems: []Problem{{Text: "settings are not an object"}}}
	}
	err = s.schema.Validate(doc)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	out := &Error{}
	collect(invalid, message.NewPrinter(language.English), out)
	sort.SliceStable(out.Problems, func(i, j int) bool { return out.Problems[i].Path < out.Problems[j].Path })
	return out
}

// collect appends the leaves of e, which say what is wrong; its inner nodes
// only say where.
func collect(e *jsonschema.ValidationError, p *message.Printer, out *Error) {
	if len(e.Causes) == 0 {
		out.Problems = append(out.Problems, Problem{
			Path: pointer(e.InstanceLocation), Text: e.ErrorKind.LocalizedString(p),
		})
	}
	for _, cause := range e.Causes {
		collect(cause, p, out)
	}
}

func pointer(tokens []string) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, token := range tokens {
		b.WriteByte('/')
		b.WriteString(escape.Replace(token))
	}
	return b.String()
}
