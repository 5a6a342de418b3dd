package infra

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readChart reads the dependencies of a chart. One with a condition or tags is
// there only in some installations.
func readChart(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		for _, d := range doc.get("dependencies").list() {
			name := d.get("name")
			if name == nil {
				continue
			}
			standing := fact.Direct
			if d.str("condition") != "" || len(d.get("tags").list()) > 0 || d.str("enabled") == "false" {
				standing = fact.Optional
			}
			o.with(standing, func() {
				o.chart(name.text, d.str("version"), name.line)
				if r := d.get("repository"); r != nil {
					o.value("repository", r.text, r.line)
				}
			})
		}
	})
}

// readHelmfile reads the releases of a helmfile.
func readHelmfile(o *out, data []byte) error {
	if isTemplate(data) {
		readTemplate(o, data)
		return nil
	}
	return eachYAML(data, func(doc *node) {
		for _, r := range doc.get("repositories").list() {
			if u := r.get("url"); u != nil {
				o.value("url", u.text, u.line)
			}
		}
		for _, r := range doc.get("releases").list() {
			c := r.get("chart")
			if c == nil {
				continue
			}
			standing := fact.Direct
			switch {
			case r.str("installed") == "false":
				standing = fact.Excluded
			case r.str("condition") != "":
				standing = fact.Optional
			}
			o.with(standing, func() {
				if !strings.HasPrefix(c.text, ".") {
					o.chart(c.text[strings.LastIndexByte(c.text, '/')+1:], r.str("version"), c.line)
				}
				for _, v := range r.get("values").list() {
					o.helmValues(v, "", 0)
				}
			})
		}
	})
}

// readHelmValues reads the values given to a chart.
func readHelmValues(o *out, data []byte) error {
	if isTemplate(data) {
		readTemplate(o, data)
		return nil
	}
	return eachYAML(data, func(doc *node) { o.helmValues(doc, "", 0) })
}

// helmValues reads images (whole, or split into repository and tag),
// variables, addresses and models below n. What stands under enabled: false is
// there only in some installations.
func (o *out) helmValues(n *node, above string, depth int) {
	if n == nil || n.kind == scalar || depth > 60 {
		return
	}
	if n.kind == mapping && n.str("enabled") == "false" && o.standing == fact.Direct {
		o.with(fact.Optional, func() { o.helmMapping(n, above, depth) })
		return
	}
	o.helmMapping(n, above, depth)
}

func (o *out) helmMapping(n *node, above string, depth int) {
	if n.kind == sequence {
		for _, item := range n.items {
			o.helmValues(item, above, depth+1)
		}
		return
	}
	lower := strings.ToLower(above)
	if n.has("repository") && (n.has("tag") || n.has("pullPolicy") || n.has("digest") || strings.Contains(lower, "image")) {
		o.splitReference(n)
	}
	split, registry, tag := n.has("repository"), n.str("registry"), cmp.Or(n.str("imageTag"), n.str("tag"))
	for i, key := range n.keys {
		v := n.items[i]
		k := strings.ToLower(key)
		switch {
		case v.kind == scalar && (k == "image" || strings.HasSuffix(k, "image")) && !split:
			if registry != "" && k == "image" {
				o.image(registry+"/"+v.text, v.line)
			} else {
				o.image(joinTag(v.text, tag), v.line)
			}
		case v.kind == scalar && isConstant(key):
			o.variable(key, v.text, n.lines[i])
		case v.kind == scalar:
			o.value(key, v.text, v.line)
		case v.kind == sequence && len(v.items) > 0 && v.items[0].kind == mapping && v.items[0].has("name") && (v.items[0].has("value") || v.items[0].has("valueFrom")):
			o.environment(v)
		case k == "args" || k == "command":
			o.args(v.list())
		default:
			o.helmValues(v, key, depth+1)
		}
	}
}

// joinTag adds the tag that stands beside an image.
func joinTag(image, tag string) string {
	if tag != "" && !strings.Contains(image[strings.LastIndexByte(image, '/')+1:], ":") {
		return image + ":" + tag
	}
	return image
}

// splitReference keeps an image whose parts stand apart: registry, repository,
// tag, digest.
func (o *out) splitReference(n *node) {
	at := n.get("repository")
	if at == nil {
		at = n.get("name")
	}
	if at == nil || at.kind != scalar {
		return
	}
	ref := at.text
	if r := n.str("registry"); r != "" {
		ref = r + "/" + ref
	}
	if tag := n.str("tag"); tag != "" {
		ref += ":" + tag
	} else if digest := n.str("digest"); digest != "" {
		ref += "@" + digest
	}
	o.image(ref, at.line)
}

// isConstant reports whether a key is written as variables of the environment
// are: capitals, with an underscore.
func isConstant(s string) bool {
	return len(s) > 3 && isVariable(s) && strings.Contains(s, "_") && s == strings.ToUpper(s)
}

// isTemplate reports whether a file is filled in by a program before anybody
// reads it as YAML.
func isTemplate(data []byte) bool {
	for at := 0; at < len(data); {
		i := bytes.Index(data[at:], []byte("{{"))
		if i < 0 {
			return false
		}
		i += at
		// Expressions of pipelines, and braces inside a quoted text, leave the
		// file readable.
		line := data[bytes.LastIndexByte(data[:i], '\n')+1 : i]
		if !bytes.ContainsAny(line, `$"'#|`) {
			return true
		}
		at = i + 2
	}
	return false
}

// readTemplate reads a template line by line: keys and values whose names are
// written out. What stands inside a condition is there only in some
// installations.
func readTemplate(o *out, data []byte) {
	t := lineReader{out: o}
	for i, line := range lines(data) {
		t.line(line, i+1)
	}
}

// lineReader is the state of a template while its lines are read.
type lineReader struct {
	*out
	stack   []bool // open blocks; true is a condition
	comment bool
	group   string // of the object that begins
}

func (t *lineReader) line(line string, number int) {
	line = t.blocks(line)
	text := strings.TrimSpace(line)
	if text == "" || text[0] == '#' {
		return
	}
	item := strings.HasPrefix(text, "- ")
	text = strings.TrimSpace(strings.TrimPrefix(text, "- "))
	key, value, ok := strings.Cut(text, ":")
	if !ok || value != "" && value[0] != ' ' {
		if strings.HasPrefix(text, "--") {
			t.with(t.condition(), func() { t.flags([]word{{unquote(text), number}}) })
		}
		return
	}
	key, value = unquote(strings.TrimSpace(key)), unquote(strings.TrimSpace(value))
	if i := strings.Index(value, " #"); i >= 0 {
		value = unquote(strings.TrimSpace(value[:i]))
	}
	top := !item && line != "" && line[0] != ' '
	t.with(t.condition(), func() { t.entry(key, value, top, number) })
}

func (t *lineReader) condition() fact.Standing {
	for _, c := range t.stack {
		if c {
			return fact.Optional
		}
	}
	return fact.Direct
}

func (t *lineReader) entry(key, value string, top bool, line int) {
	switch {
	case key == "apiVersion" && top:
		t.group = ""
		if g, _, ok := strings.Cut(value, "/"); ok {
			t.group = g + "/"
		}
	case key == "kind" && top:
		if isImage(value) && !isTemplated(t.group) {
			t.add(fact.Fact{Class: fact.Workload, Name: t.group + value, Line: line})
		}
	case key == "image" || key == "repository":
		t.image(value, line)
	case key == "name" || key == "key":
		if isConstant(value) {
			t.variable(value, "", line)
		}
	case key == "chart" && !isTemplated(value) && !strings.HasPrefix(value, "."):
		t.chart(value[strings.LastIndexByte(value, '/')+1:], "", line)
	case key == "containerPort":
		t.port(value, line)
	case isConstant(key):
		t.variable(key, value, line)
	default:
		t.value(key, value, line)
	}
}

// blocks follows the actions in a line and takes those that stand alone away.
func (t *lineReader) blocks(line string) string {
	rest := line
	for len(rest) > 0 {
		if t.comment {
			end := strings.Index(rest, "*/")
			if end < 0 {
				return ""
			}
			t.comment, rest = false, rest[end+2:]
			if close := strings.Index(rest, "}}"); close >= 0 {
				rest = rest[close+2:]
			}
			line = rest
			continue
		}
		start := strings.Index(rest, "{{")
		if start < 0 {
			break
		}
		rest = rest[start+2:]
		action := strings.TrimLeft(rest, "-% \t")
		switch word, _, _ := strings.Cut(strings.TrimRight(action, "}"), " "); {
		case strings.HasPrefix(action, "/*"):
			t.comment = true
			continue
		case word == "if" || word == "with":
			t.push(true)
		case word == "range" || word == "define" || word == "block":
			t.push(false)
		case strings.HasPrefix(strings.TrimRight(word, "-"), "end") && strings.Trim(word, "-} ") == "end":
			if len(t.stack) > 0 {
				t.stack = t.stack[:len(t.stack)-1]
			}
		}
		end := strings.Index(rest, "}}")
		if end < 0 {
			break
		}
		rest = rest[end+2:]
	}
	if strings.HasPrefix(strings.TrimSpace(line), "{{") && strings.HasSuffix(strings.TrimSpace(line), "}}") {
		return ""
	}
	return line
}

func (t *lineReader) push(condition bool) {
	if len(t.stack) < 1000 {
		t.stack = append(t.stack, condition)
	}
}
