package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readARM reads a template of Azure's resource manager.
func readARM(o *out, data []byte) error {
	doc, err := parseJSON(data)
	o.armTemplate(doc, 0)
	return err
}

func (o *out) armTemplate(doc *node, depth int) {
	if doc == nil || depth > 8 {
		return
	}
	for _, r := range doc.get("resources").values() {
		o.armResource("", r, depth)
	}
	doc.get("parameters").each(func(name string, _ int, p *node) {
		if d := p.get("defaultValue"); d != nil && d.kind == scalar {
			o.value(name, d.text, d.line)
		}
	})
}

// armResource reads a resource and those inside it. One that exists already, or
// has a condition, is no more than a possibility.
func (o *out) armResource(parent string, r *node, depth int) {
	t := r.get("type")
	if t == nil || t.kind != scalar || depth > 8 {
		return
	}
	name := t.text
	if parent != "" && !strings.Contains(name, ".") {
		name = parent + "/" + name
	}
	standing := fact.Direct
	switch condition := r.str("condition"); {
	case r.str("existing") == "true":
		standing = fact.Excluded
	case r.has("condition") && condition != "true":
		standing = fact.Optional
	}
	o.with(standing, func() {
		attrs := r.attributes()
		delete(attrs, "type")
		if attrs["kind"] == "" {
			delete(attrs, "kind")
		}
		f := fact.Fact{Class: fact.Resource, Name: name, Line: t.line, Group: "arm", Version: r.str("apiVersion")}
		if len(attrs) > 0 {
			f.Attrs = attrs
		}
		o.add(f)
		props := r.get("properties")
		if m := props.get("model", "name"); m != nil && !strings.HasPrefix(m.text, "[") {
			o.model(m.text, m.line)
		}
		o.properties("", props, 0)
		o.armTemplate(props.get("template"), depth+1)
		for _, inner := range r.get("resources").values() {
			o.armResource(name, inner, depth+1)
		}
	})
}

// readBicep reads the resources of a Bicep file: resource name 'type@version'
// [existing] = [if (…)] { … }.
func readBicep(o *out, data []byte) error {
	b := bicep{out: o}
	code := bicepCode(data)
	for i, text := range code {
		b.line(code, i, text)
	}
	return nil
}

// bicep is the state of a file while its lines are read.
type bicep struct {
	*out
	types []openType // of the resources around the line
	depth int        // of braces
}

type openType struct {
	name     string
	depth    int
	standing fact.Standing
}

func (b *bicep) line(code []string, i int, text string) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if word == "resource" {
		b.resource(code, i, rest)
	} else if key, value, ok := strings.Cut(strings.TrimSpace(text), ":"); ok && b.depth > 0 {
		b.out.with(b.standing(), func() { b.property(code, i, strings.Trim(key, "' "), strings.TrimSpace(value)) })
	} else if word == "param" || word == "var" {
		if name, value, ok := strings.Cut(rest, "="); ok {
			name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
			b.value(name, strings.Trim(strings.TrimSpace(value), "'"), i+1)
		}
	}
	b.depth += strings.Count(text, "{") - strings.Count(text, "}")
	for len(b.types) > 0 && b.depth <= b.types[len(b.types)-1].depth {
		b.types = b.types[:len(b.types)-1]
	}
}

func (b *bicep) standing() fact.Standing {
	if len(b.types) > 0 {
		return b.types[len(b.types)-1].standing
	}
	return fact.Direct
}

// resource reads the head of a resource and looks ahead for its kind.
func (b *bicep) resource(code []string, i int, rest string) {
	parts := strings.SplitN(rest, "'", 3)
	if len(parts) < 3 {
		return
	}
	name, version, _ := strings.Cut(parts[1], "@")
	if !strings.Contains(name, ".") {
		if len(b.types) == 0 {
			return
		}
		name = b.types[len(b.types)-1].name + "/" + name
	}
	standing := b.standing()
	switch after := strings.TrimSpace(parts[2]); {
	case strings.HasPrefix(after, "existing"):
		standing = fact.Excluded
	case strings.Contains(after, "if (") || strings.Contains(after, "if("):
		standing = fact.Optional
	}
	f := fact.Fact{Class: fact.Resource, Name: name, Line: i + 1, Group: "arm", Version: version, Standing: standing}
	if kind := bicepKind(code, i); kind != "" {
		f.Attrs = map[string]string{"kind": kind}
	}
	b.add(f)
	b.types = append(b.types, openType{name, b.depth, standing})
}

// bicepKind finds kind: '…' in the first level of a resource.
func bicepKind(code []string, i int) string {
	depth := 0
	for n := i; n < len(code) && n < i+400; n++ {
		if key, value, ok := strings.Cut(strings.TrimSpace(code[n]), ":"); ok && depth == 1 && key == "kind" {
			if value = strings.TrimSpace(value); len(value) > 2 && value[0] == '\'' && !strings.Contains(value, "${") {
				return strings.Trim(value, "'")
			}
			return ""
		}
		depth += strings.Count(code[n], "{") - strings.Count(code[n], "}")
		if depth <= 0 && n > i {
			break
		}
	}
	return ""
}

func (b *bicep) property(code []string, i int, key, value string) {
	if len(value) < 2 || value[0] != '\'' {
		return
	}
	text := strings.Trim(value, "'")
	switch k := strings.ToLower(key); {
	case k == "image" || k == "linuxfxversion":
		b.image(trimFold(text, "docker|"), i+1)
	case k == "name" && isConstant(text):
		b.variable(text, "", i+1)
	case k == "name" && b.inModel(code, i):
		b.model(text, i+1)
	case isConstant(key):
		b.variable(key, text, i+1)
	default:
		b.value(key, text, i+1)
	}
}

// inModel reports whether a line stands in model: { … }.
func (b *bicep) inModel(code []string, i int) bool {
	for n := i - 1; n >= 0 && n > i-6; n-- {
		if text := strings.TrimSpace(code[n]); strings.HasSuffix(text, "{") {
			return strings.HasPrefix(text, "model")
		}
	}
	return false
}

// bicepCode returns the lines without comments.
func bicepCode(data []byte) []string {
	all := lines(data)
	comment := false
	for i, text := range all {
		all[i], comment = stripC(text, comment, '\'')
	}
	return all
}

// stripC takes comments of the C kind out of a line. Inside says that a comment
// goes on from the line before.
func stripC(text string, inside bool, quotes ...byte) (string, bool) {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inside:
			if strings.HasPrefix(text[i:], "*/") {
				inside = false
				i++
			}
			continue
		case quote != 0:
			if c == '\\' && i+1 < len(text) {
				b.WriteByte(c)
				i++
				c = text[i]
			} else if c == quote {
				quote = 0
			}
		case strings.HasPrefix(text[i:], "//"):
			return b.String(), false
		case strings.HasPrefix(text[i:], "/*"):
			inside = true
			i++
			continue
		case strings.IndexByte(string(quotes), c) >= 0:
			quote = c
		}
		b.WriteByte(c)
	}
	return b.String(), inside
}
