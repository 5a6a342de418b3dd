package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// promptFormat knows prompts with a head, files that say how models are asked
// or tested, and the settings of gateways.
func promptFormat(n name, head []byte) (format, bool) {
	switch {
	case strings.HasSuffix(n.base, ".prompt.md"), strings.HasSuffix(n.base, ".prompt.yml"), strings.HasSuffix(n.base, ".prompt.yaml"), n.ext == ".prompty", n.ext == ".prompt":
		return format{name: "prompt", read: readPrompt}, true
	case strings.HasPrefix(n.base, "promptfooconfig"):
		return format{name: "promptfoo", read: readPromptfoo}, true
	case n.base == "langgraph.json":
		return format{name: "langgraph", read: readLangGraph}, true
	case n.base == "modelfile", n.ext == ".modelfile", strings.HasPrefix(n.base, "modelfile."):
		return format{name: "modelfile", read: readModelfile}, true
	case (n.base == "config.json" || n.base == "adapter_config.json") && (strings.Contains(string(head), `"model_type"`) && strings.Contains(string(head), `"architectures"`) || strings.Contains(string(head), `"base_model_name_or_path"`)):
		return format{name: "model-config", read: readModelConfig}, true
	}
	return format{}, false
}

// readPrompt reads the head of a prompt: the model that it is for and where
// that is.
func readPrompt(o *out, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	front, before := frontMatter(data)
	base := nameOf(o.path).base
	if front == nil && (strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")) {
		front = data
	}
	if front == nil {
		return nil
	}
	doc, err := parseYAML(front, before)
	if doc == nil || doc.kind != mapping {
		return err
	}
	o.add(fact.Fact{Class: fact.File, Name: o.path, Line: 1})
	if m := doc.get("model"); m != nil && m.kind == scalar {
		o.provided(m.text, m.line)
	}
	if c := doc.get("model", "configuration"); c != nil {
		if t := c.get("type"); t != nil {
			o.add(fact.Fact{Class: fact.Setting, Name: "provider." + t.text, Line: t.line})
		}
		c.each(func(key string, _ int, v *node) {
			if key == "azure_deployment" || key == "name" {
				o.model(v.text, v.line)
			}
		})
	}
	doc.walk(func(path, key string, v *node) {
		if path != "model" && !strings.HasPrefix(path, "sample") && !strings.HasPrefix(path, "testData") && !strings.HasPrefix(path, "messages") {
			o.value(key, v.text, v.line)
			o.references(v.text, v.line)
		}
	})
	return err
}

// provided keeps a model that is named with who serves it: openai:gpt-4o,
// openai:chat:gpt-4o, openai/gpt-4o.
func (o *out) provided(id string, line int) {
	provider, rest, ok := strings.Cut(id, ":")
	if !ok || strings.Contains(provider, "/") || strings.Contains(provider, ".") {
		o.model(id, line)
		return
	}
	switch provider {
	case "file", "http", "https", "ws", "wss", "python", "javascript", "exec", "package", "golang", "ruby", "mcp", "echo":
		o.hostsIn(id, line)
		return
	}
	if !isPlain(provider) {
		return
	}
	o.add(fact.Fact{Class: fact.Setting, Name: "provider." + provider, Line: line})
	if kind, model, ok := strings.Cut(rest, ":"); ok {
		switch kind {
		case "chat", "completion", "completions", "messages", "embedding", "embeddings", "responses", "realtime", "image", "assistant",
			"text-generation", "text-classification", "feature-extraction", "token-classification", "converse", "moderation", "transcription", "agents":
			rest = model
		}
	}
	o.model(rest, line)
}

// isPlain reports whether s is a word of letters, digits and dashes.
func isPlain(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) || s[i] >= 0x80 {
			return false
		}
	}
	return s != ""
}

// readPromptfoo reads the models that a suite of tests asks.
func readPromptfoo(o *out, data []byte) error {
	if ext := nameOf(o.path).ext; ext != ".yaml" && ext != ".yml" && ext != ".json" {
		return nil // a program: for the reader of source code
	}
	return parse(data, func(doc *node) {
		if doc.kind != mapping {
			return
		}
		o.add(fact.Fact{Class: fact.File, Name: o.path, Line: 1})
		for _, list := range [...]*node{doc.get("providers"), doc.get("targets")} {
			for _, p := range list.list() {
				o.provider(p)
			}
		}
		doc.get("defaultTest").walk(func(path, key string, v *node) {
			if key == "provider" {
				o.provided(v.text, v.line)
			}
		})
		doc.get("env").each(func(key string, line int, v *node) { o.variable(key, scalarText(v), line) })
	})
}

// provider reads one provider: an id, an id with settings, or a mapping from
// the id to its settings.
func (o *out) provider(p *node) {
	if p.kind == scalar {
		o.provided(p.text, p.line)
		return
	}
	if id := p.get("id"); id != nil {
		o.provided(id.text, id.line)
		p.get("config").walk(func(_, key string, v *node) { o.value(key, v.text, v.line) })
		return
	}
	p.each(func(id string, line int, c *node) {
		o.provided(id, line)
		c.walk(func(_, key string, v *node) { o.value(key, v.text, v.line) })
	})
}

func readLangGraph(o *out, data []byte) error {
	doc, err := parseJSON(data)
	if doc == nil || len(doc.items) == 0 {
		return err
	}
	o.add(fact.Fact{Class: fact.File, Name: o.path, Line: 1})
	o.environment(doc.get("env"))
	for _, l := range doc.get("dockerfile_lines").list() {
		if in := (&out{path: o.path}); readDockerfile(in, []byte(l.text)) == nil {
			for _, f := range in.facts {
				f.Line = l.line
				o.add(f)
			}
		}
	}
	return err
}

// readModelfile reads the model that another one is made from.
func readModelfile(o *out, data []byte) error {
	long := false
	for i, text := range lines(data) {
		if strings.Count(text, `"""`)%2 == 1 {
			if long = !long; !long {
				continue
			}
		} else if long {
			continue
		}
		word, rest, ok := strings.Cut(strings.TrimSpace(text), " ")
		if !ok || !strings.EqualFold(word, "FROM") && !strings.EqualFold(word, "ADAPTER") {
			continue
		}
		rest = strings.TrimSpace(rest)
		o.add(fact.Fact{Class: fact.File, Name: o.path, Line: i + 1})
		if rest != "" && rest[0] != '.' && rest[0] != '/' && rest[0] != '~' && !isTemplated(rest) {
			o.model(rest, i+1)
		}
	}
	return nil
}

// readModelConfig reads what a model in the format of transformers was made
// from.
func readModelConfig(o *out, data []byte) error {
	doc, err := parseJSON(data)
	for _, key := range [...]string{"_name_or_path", "base_model_name_or_path"} {
		if v := doc.get(key); v != nil && strings.Contains(v.text, "/") {
			o.model(v.text, v.line)
		}
	}
	return err
}

// readGateway reads the settings of a gateway between software and models:
// LiteLLM, LibreChat and others that list models with who serves them.
func readGateway(o *out, data []byte) error {
	return parse(data, func(doc *node) {
		if doc.kind != mapping {
			return
		}
		if len(doc.get("model_list").list()) > 0 || doc.has("endpoints") {
			o.add(fact.Fact{Class: fact.File, Name: o.path, Line: 1})
		}
		o.toolServers(doc)
		o.modelSettings(doc)
		doc.walk(func(path, key string, v *node) {
			if strings.HasSuffix(path, "models.default") {
				o.model(v.text, v.line)
			}
		})
	})
}
