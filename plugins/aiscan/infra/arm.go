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
	doc.get("resources").armFill(armTexts(doc), 0)
	for _, r := range doc.get("resources").values() {
		o.armResource("", r, depth)
	}
	doc.get("parameters").each(func(name string, _ int, p *node) {
		if d := p.get("defaultValue"); d != nil && d.kind == scalar {
			o.value(name, d.text, d.line)
		}
	})
}

// armTexts are the defaults of parameters and the texts of variables, by the
// expression that refers to them.
func armTexts(doc *node) map[string]string {
	all := map[string]string{}
	put := func(from, name string, v *node) {
		if text := scalarText(v); text != "" && text[0] != '[' {
			all["["+from+"('"+name+"')]"] = text
		}
	}
	doc.get("parameters").each(func(name string, _ int, p *node) { put("parameters", name, p.get("defaultValue")) })
	doc.get("variables").each(func(name string, _ int, v *node) { put("variables", name, v) })
	return all
}

// armFill puts these texts where a value is nothing but such an expression.
func (n *node) armFill(texts map[string]string, depth int) {
	if n == nil || depth > maxDepth || len(texts) == 0 {
		return
	}
	for _, v := range n.items {
		if v.kind != scalar {
			v.armFill(texts, depth+1)
		} else if text, ok := texts[v.text]; ok {
			v.text = text
		}
	}
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
