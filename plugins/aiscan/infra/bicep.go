package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readBicep reads the resources of a Bicep file: resource name 'type@version'
// [existing] = [if (…)] { … }.
func readBicep(o *out, data []byte) error {
	code := bicepCode(data)
	b := bicep{out: o, texts: bicepTexts(code)}
	for i, text := range code {
		b.line(code, i, text)
	}
	return nil
}

// bicep is the state of a file while its lines are read.
type bicep struct {
	*out
	texts map[string]string // of parameters and variables, when nobody sets them
	types []openType        // of the resources around the line
	depth int               // of braces
}

type openType struct {
	name     string
	depth    int
	standing fact.Standing
}

func (b *bicep) line(code []string, i int, text string) {
	if b.full {
		return
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if word == "resource" || word == "module" {
		b.resource(code, i, rest)
	} else if key, value, ok := strings.Cut(strings.TrimSpace(text), ":"); ok && b.depth > 0 {
		b.with(b.standing(), func() { b.property(code, i, strings.Trim(key, "' "), strings.TrimSpace(value)) })
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
	level := 1
	if strings.HasPrefix(parts[1], "br") || strings.Contains(parts[1], ".bicep") {
		if name, version = verifiedModule(parts[1]); name == "" {
			return
		}
		level = 2 // inside params
	}
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
	if kind := b.kind(code, i, level); kind != "" {
		f.Attrs = map[string]string{"kind": kind}
	}
	b.add(f)
	b.types = append(b.types, openType{name, b.depth, standing})
}

// verifiedModule turns the name of a verified module into the type of the
// resource that it makes: br/public:avm/res/cognitive-services/account:0.7.0.
func verifiedModule(ref string) (kind, version string) {
	_, path, ok := strings.Cut(ref, "avm/res/")
	if !ok {
		return "", ""
	}
	path, version, _ = strings.Cut(path, ":")
	provider, resource, ok := strings.Cut(path, "/")
	if !ok {
		return "", ""
	}
	camel := func(s string) string {
		words := strings.Split(s, "-")
		for i, w := range words {
			if w != "" {
				words[i] = strings.ToUpper(w[:1]) + w[1:]
			}
		}
		return strings.Join(words, "")
	}
	resource = camel(resource)
	if resource == "" {
		return "", ""
	}
	return "Microsoft." + camel(provider) + "/" + strings.ToLower(resource[:1]) + resource[1:] + "s", version
}

// bicepTexts collects what parameters and variables are when nobody sets them.
func bicepTexts(code []string) map[string]string {
	all := map[string]string{}
	for _, text := range code {
		word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
		if word != "param" && word != "var" {
			continue
		}
		name, value, ok := strings.Cut(rest, "=")
		name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
		if value = strings.TrimSpace(value); ok && len(value) > 2 && value[0] == '\'' && !strings.Contains(value, "${") {
			all[name] = strings.Trim(value, "'")
		}
	}
	return all
}

// kind finds kind: '…' in a resource, at a level of braces.
func (b *bicep) kind(code []string, i, level int) string {
	depth := 0
	for n := i; n < len(code) && n < i+400; n++ {
		if key, value, ok := strings.Cut(strings.TrimSpace(code[n]), ":"); ok && depth == level && key == "kind" {
			value = strings.TrimSpace(value)
			if text, ok := b.texts[value]; ok {
				return text
			}
			if len(value) > 2 && value[0] == '\'' && !strings.Contains(value, "${") {
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
	text, known := b.texts[value]
	if !known {
		if len(value) < 2 || value[0] != '\'' {
			return
		}
		text = strings.Trim(value, "'")
	}
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
