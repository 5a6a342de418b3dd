package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readProperties reads key=value and key: value, as Java's properties are.
func readProperties(o *out, data []byte) error {
	all := lines(data)
	for i := 0; i < len(all) && i < maxSettings; i++ {
		text := strings.TrimSpace(all[i])
		if text == "" || text[0] == '#' || text[0] == '!' {
			continue
		}
		at := strings.IndexAny(text, "=:")
		if at <= 0 {
			continue
		}
		key, value := strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+1:])
		o.setting(key, value, i+1)
		for strings.HasSuffix(text, `\`) && i+1 < len(all) {
			i++
			text = strings.TrimSpace(all[i])
		}
	}
	return nil
}

// setting keeps the path of a key, and what its value names.
func (o *out) setting(path, value string, line int) {
	if strings.ContainsAny(path, " \t\"'<>{}") || !strings.Contains(path, ".") && !isVariable(path) {
		return
	}
	o.add(fact.Fact{Class: fact.Setting, Name: path, Line: line})
	if !o.offers && strings.Contains(path, ".mcp.server.") { // of Spring, Quarkus and their like
		o.offers = true
		o.offered(path[:strings.Index(path, ".mcp.server.")+len(".mcp.server")], line, "mcp")
	}
	if short := path[strings.LastIndexByte(path, '.')+1:]; isConstant(short) {
		o.variable(short, value, line)
		return
	}
	// ${OPENAI_URL:https://…}: the variable and the default both count.
	o.references(value, line)
	if i := strings.Index(value, "://"); i > 0 && strings.HasPrefix(value, "${") {
		o.hostsIn(value, line)
		return
	}
	o.value(path, value, line)
	if isModelPath(path) {
		o.model(value, line)
	}
}

// isModelPath reports whether a path of keys ends in the name of a model, as in
// spring.ai.openai.chat.options.model or langchain4j….model-name.
func isModelPath(path string) bool {
	return strings.HasSuffix(path, ".model.name") || strings.HasSuffix(path, ".model.id")
}

// settings keeps the paths of all keys of a tree.
func (o *out) settings(n *node) {
	n.walk(func(path, key string, v *node) {
		if path != "" {
			o.setting(path, strings.TrimSpace(v.text), v.line)
		}
	})
}

// readSettings reads a file of settings in YAML or JSON.
func readSettings(o *out, data []byte) error {
	if isTemplate(data) {
		readTemplate(o, data)
		return nil
	}
	return parse(data, func(doc *node) {
		if doc.kind == mapping && !isDocumentation(doc) {
			o.settings(doc)
		}
	})
}

// isDocumentation reports whether a file describes interfaces or contents
// rather than set anything.
func isDocumentation(doc *node) bool {
	for _, key := range [...]string{"openapi", "swagger", "asyncapi", "bomFormat", "spdxVersion", "SPDXID", "$schema_version", "nav", "@context"} {
		if doc.has(key) {
			return true
		}
	}
	return false
}

// readTOMLSettings reads a file of settings in TOML or INI.
func readTOMLSettings(o *out, data []byte) error {
	doc, err := parseTOML(data)
	o.settings(doc)
	return err
}

// readXMLSettings reads app.config and web.config of .NET: keys of
// appSettings.
func readXMLSettings(o *out, data []byte) error {
	comment := false
	for i, text := range lines(data) {
		if i >= maxSettings || len(text) > 1<<14 {
			continue
		}
		if comment {
			if end := strings.Index(text, "-->"); end >= 0 {
				comment, text = false, text[end+3:]
			} else {
				continue
			}
		}
		if start := strings.Index(text, "<!--"); start >= 0 {
			if end := strings.Index(text[start:], "-->"); end >= 0 {
				text = text[:start] + text[start+end+3:]
			} else {
				comment, text = true, text[:start]
			}
		}
		if !strings.Contains(text, "<add ") {
			continue
		}
		if key := attribute(text, "key"); key != "" {
			key = strings.NewReplacer(":", ".", "__", ".").Replace(key)
			o.setting(key, attribute(text, "value"), i+1)
		}
	}
	return nil
}

// attribute returns the value of an attribute of an element in one line.
func attribute(text, name string) string {
	_, rest, ok := strings.Cut(text, " "+name+`="`)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// readWrangler reads the settings of a Cloudflare worker: what is bound to it,
// its variables.
func readWrangler(o *out, data []byte) error {
	var doc *node
	var err error
	if first := strings.TrimSpace(string(data[:min(len(data), 64)])); strings.HasPrefix(first, "{") || strings.HasPrefix(first, "/") {
		doc, err = parseJSON(data)
	} else {
		doc, err = parseTOML(data)
	}
	o.worker(doc)
	doc.get("env").each(func(_ string, _ int, v *node) { o.worker(v) })
	return err
}

func (o *out) worker(n *node) {
	if ai := n.get("ai"); ai != nil && ai.kind == mapping {
		o.add(fact.Fact{Class: fact.Setting, Name: "ai.binding", Line: ai.line})
	}
	for _, key := range [...]string{"vectorize", "ai_search"} {
		if v := n.get(key); v != nil {
			o.add(fact.Fact{Class: fact.Setting, Name: key + ".binding", Line: v.line})
		}
	}
	for _, c := range n.get("containers").list() {
		if i := c.get("image"); i != nil && !strings.HasPrefix(i.text, ".") {
			o.image(i.text, i.line)
		}
	}
	n.get("vars").each(func(key string, line int, v *node) { o.variable(key, scalarText(v), line) })
}

// readPlatform reads the settings of a platform that runs software: Vercel,
// Netlify, Fly, Railway, Render, App Engine, DigitalOcean, Heroku.
func readPlatform(o *out, data []byte) error {
	read := func(doc *node) {
		o.pipeline("", doc, 0)
		o.properties("", doc, 0)
		doc.walk(func(_, key string, v *node) {
			// A destination of a redirect or a rewrite is called by whoever calls
			// the site.
			if key == "destination" || key == "to" || key == "target" {
				o.hostsIn(v.text, v.line)
			}
		})
		for _, s := range doc.get("services").list() { // Render
			for _, e := range s.get("envVars").list() {
				o.namedVariable(e)
			}
		}
		for _, list := range [...]*node{doc.get("env"), doc.get("build", "env")} {
			list.each(func(key string, line int, v *node) { o.variable(key, scalarText(v), line) })
			if k := doc.get("image"); k != nil {
				o.image(k.text, k.line)
			}
		}
	}
	if strings.HasSuffix(strings.ToLower(o.path), ".toml") {
		doc, err := parseTOML(data)
		read(doc)
		return err
	}
	return parse(data, read)
}

// readWorkflowNodes reads a workflow of n8n: the type of each node.
func readWorkflowNodes(o *out, data []byte) error {
	doc, err := parseJSON(data)
	for _, n := range doc.get("nodes").list() {
		t := n.get("type")
		if t == nil || t.kind != scalar {
			continue
		}
		standing := fact.Direct
		if n.str("disabled") == "true" {
			standing = fact.Excluded
		}
		o.with(standing, func() {
			o.add(fact.Fact{Class: fact.Setting, Name: t.text, Line: t.line, Group: "n8n"})
			n.get("parameters").walk(func(_, key string, v *node) { o.value(key, v.text, v.line) })
			if m := n.get("parameters", "model", "value"); m != nil {
				o.model(m.text, m.line)
			}
		})
	}
	return err
}
