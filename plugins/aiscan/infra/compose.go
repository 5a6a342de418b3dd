package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readCompose reads the services of a compose file and the models that it
// declares.
func readCompose(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		services := doc.get("services")
		if services == nil && !doc.has("models") {
			services = doc // the first version of the format had no such key
		}
		services.each(func(_ string, _ int, s *node) {
			if s.kind != mapping {
				return
			}
			standing := fact.Direct
			if len(s.get("profiles").list()) > 0 || isZero(s.str("scale")) || isZero(s.str("deploy", "replicas")) {
				standing = fact.Optional
			}
			o.with(standing, func() { o.service(s) })
		})
		doc.get("models").each(func(_ string, line int, m *node) {
			if id := m.get("model"); id != nil {
				line = id.line
			}
			o.model(m.str("model"), line)
		})
		doc.get("secrets").each(func(_ string, _ int, s *node) {
			if v := s.get("environment"); v != nil {
				o.variable(v.text, "", v.line)
			}
		})
		for _, inc := range doc.get("include").list() {
			o.references(inc.text, inc.line)
		}
	})
}

func isZero(s string) bool { return s == "0" }

// service reads one service of a compose file. The same form is found in
// pipelines.
func (o *out) service(s *node) {
	if image := s.get("image"); image != nil {
		o.image(image.text, image.line)
	}
	o.environment(s.get("environment"))
	for _, p := range s.get("ports").list() {
		o.published(p)
	}
	for _, p := range s.get("expose").list() {
		o.port(p.text, p.line)
	}
	o.commandOf(s.get("entrypoint"))
	o.commandOf(s.get("command"))
	build := s.get("build")
	o.environment(build.get("args"))
	if inline := build.get("dockerfile_inline"); inline != nil {
		o.inline(inline)
	}
	build.get("additional_contexts").each(func(_ string, _ int, v *node) {
		if strings.HasPrefix(v.text, "docker-image://") {
			o.image(v.text, v.line)
		}
	})
	if provider := s.get("provider"); provider != nil {
		if m := provider.get("options", "model"); m != nil {
			o.model(m.text, m.line)
		}
	}
}

// inline reads a Dockerfile that stands in a block of another file.
func (o *out) inline(n *node) {
	inner := &out{path: o.path}
	if readDockerfile(inner, []byte(n.text)) != nil {
		return
	}
	for _, f := range inner.facts {
		f.Line += n.begin() - 1
		o.add(f)
	}
}

// published reads a port in its short and its long form.
func (o *out) published(p *node) {
	if p.kind == mapping {
		if t := p.get("target"); t != nil {
			o.port(t.text, t.line)
		}
		return
	}
	o.port(p.text, p.line)
}

// environment reads variables as a mapping or as a list of NAME=value.
func (o *out) environment(n *node) {
	n.each(func(name string, line int, v *node) {
		if v.kind == scalar && v.tag == "" {
			o.variable(name, v.text, line)
			return
		}
		o.variable(name, "", line) // what the value is, something else says
		if v.tag == "Sub" {
			o.hostsIn(v.text, line)
		}
	})
	if n == nil || n.kind != sequence {
		return
	}
	for _, v := range n.items {
		switch v.kind {
		case scalar:
			name, value, _ := strings.Cut(v.text, "=")
			o.variable(strings.TrimSpace(name), strings.TrimSpace(value), v.line)
		case mapping: // name and value, as Kubernetes and others have it
			o.namedVariable(v)
		}
	}
}

// namedVariable reads {name: X, value: y}, in any case of letters, and where the
// value comes from.
func (o *out) namedVariable(v *node) {
	name := v.fold("name")
	if name == nil || name.kind != scalar {
		if key := v.fold("key"); key != nil && key.kind == scalar {
			name = key
		} else {
			return
		}
	}
	value := ""
	if x := v.fold("value"); x != nil && x.kind == scalar {
		value = x.text
	}
	o.variable(name.text, value, name.line)
	v.get("valueFrom").each(func(_ string, _ int, from *node) {
		if key := from.get("key"); key != nil {
			o.secret(key.text, key.line)
		}
	})
}

// commandOf reads a command given as words or as one text.
func (o *out) commandOf(n *node) {
	switch {
	case n == nil:
	case n.kind == sequence:
		o.args(n.items)
	case n.kind == scalar:
		o.block(n)
	}
}

// block reads a text as a script.
func (o *out) block(n *node) {
	if n != nil && n.kind == scalar {
		o.script(n.text, n.begin())
	}
}
