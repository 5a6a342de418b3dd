package infra

import (
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// dockerFormat knows Dockerfile, Containerfile and their variants.
func dockerFormat(n name, head []byte) (format, bool) {
	switch {
	case n.base == "dockerfile", n.base == "containerfile", n.ext == ".dockerfile", n.ext == ".containerfile":
	case strings.HasPrefix(n.base, "dockerfile."), strings.HasPrefix(n.base, "containerfile."), strings.HasPrefix(n.base, "dockerfile-"), strings.HasPrefix(n.base, "dockerfile_"):
		switch n.ext {
		case ".md", ".txt", ".py", ".go", ".js", ".ts", ".rst", ".html", ".dockerignore", ".lock":
			return format{}, false
		}
	default:
		return format{}, false
	}
	return format{name: "dockerfile", read: readDockerfile}, true
}

// dockerfile is the state of a build while its file is read.
type dockerfile struct {
	*out
	escape byte
	args   map[string]string // defaults that FROM may use
	stages map[string]bool   // names of stages, lower case
	count  int               // stages so far
}

// instruction is one instruction with the lines that continue it. Lines keeps
// their breaks, so that a script can be counted.
type instruction struct {
	name string
	text string // what follows, with breaks
	line int
	docs []document // here-documents
}

func readDockerfile(o *out, data []byte) error {
	d := &dockerfile{out: o, escape: '\\', args: map[string]string{}, stages: map[string]bool{}}
	all := lines(data)
	for i := 0; i < len(all); i++ {
		text := strings.TrimSpace(all[i])
		if i < 3 && strings.HasPrefix(text, "#") {
			if k, v, ok := strings.Cut(text[1:], "="); ok && strings.EqualFold(strings.TrimSpace(k), "escape") && strings.TrimSpace(v) == "`" {
				d.escape = '`'
			}
		}
		if text == "" || text[0] == '#' {
			continue
		}
		var in instruction
		in, i = d.instruction(all, i)
		d.read(in)
	}
	return nil
}

// instruction joins the lines that belong together and returns the last one's
// index. Comments and empty lines between them become empty lines.
func (d *dockerfile) instruction(all []string, i int) (instruction, int) {
	first := strings.TrimSpace(all[i])
	word, rest, _ := strings.Cut(first, " ")
	if tab := strings.IndexByte(word, '\t'); tab >= 0 {
		word, rest = first[:tab], first[tab+1:]
	}
	in := instruction{name: strings.ToUpper(word), line: i + 1}
	var b strings.Builder
	for text := rest; ; text = all[i] {
		trimmed := strings.TrimRight(text, " \t")
		if t := strings.TrimSpace(trimmed); b.Len() > 0 && (t == "" || t[0] == '#') {
			b.WriteString("\\\n") // the escape keeps the command in one piece
		} else if strings.HasSuffix(trimmed, string(d.escape)) {
			b.WriteString(trimmed[:len(trimmed)-1])
			b.WriteString("\\\n")
		} else {
			b.WriteString(trimmed)
			break
		}
		if i+1 >= len(all) {
			break
		}
		i++
	}
	in.text = b.String()
	if in.name == "RUN" || in.name == "COPY" || in.name == "ADD" {
		i = in.documents(all, i)
	}
	return in, i
}

// documents reads the here-documents that an instruction opens.
func (in *instruction) documents(all []string, i int) int {
	for _, field := range strings.Fields(in.text) {
		at := strings.Index(field, "<<")
		if at < 0 || at > 1 || len(in.docs) > 8 {
			continue
		}
		mark := strings.Trim(strings.TrimPrefix(field[at+2:], "-"), `"'`)
		if !isVariable(mark) {
			continue
		}
		var body []string
		line := i + 1
		for i++; i < len(all) && strings.TrimSpace(all[i]) != mark; i++ {
			body = append(body, all[i])
		}
		in.docs = append(in.docs, document{[]byte(strings.Join(body, "\n")), line})
	}
	return min(i, len(all)-1)
}

// read keeps what one instruction says.
func (d *dockerfile) read(in instruction) {
	flat := strings.ReplaceAll(in.text, "\\\n", " ")
	switch in.name {
	case "FROM":
		d.from(flat, in.line)
	case "ARG":
		for _, w := range d.words(in) {
			name, value, _ := strings.Cut(w.text, "=")
			if d.count == 0 {
				d.args[name] = d.expand(value)
			}
			d.variable(name, value, w.line)
		}
	case "ENV":
		d.env(in)
	case "COPY", "ADD":
		for _, f := range strings.Fields(flat) {
			if from, ok := strings.CutPrefix(f, "--from="); ok {
				d.base(from, in.line)
			}
		}
		d.hostsIn(flat, in.line)
	case "RUN":
		d.run(in)
	case "CMD", "ENTRYPOINT":
		d.exec(in.text, in.line)
	case "ONBUILD":
		inner, rest, _ := strings.Cut(strings.TrimSpace(in.text), " ")
		if !strings.EqualFold(inner, "ONBUILD") {
			in.name, in.text = strings.ToUpper(inner), rest
			d.read(in)
		}
	case "EXPOSE":
		for _, w := range d.words(in) {
			d.port(w.text, w.line)
		}
	}
}

// from reads FROM [--platform=…] image [AS name].
func (d *dockerfile) from(text string, line int) {
	fields := strings.Fields(text)
	for len(fields) > 0 && strings.HasPrefix(fields[0], "--") {
		fields = fields[1:]
	}
	if len(fields) == 0 {
		return
	}
	d.count++
	d.standing = fact.Direct
	stage := ""
	if len(fields) >= 3 && strings.EqualFold(fields[1], "AS") {
		stage = strings.ToLower(fields[2])
	}
	switch stage {
	case "test", "tests", "testing", "lint", "dev", "development", "ci", "e2e":
		d.standing = fact.Development
	}
	d.base(fields[0], line)
	if stage != "" {
		d.stages[stage] = true
	}
}

// base keeps an image unless it is a stage of this file.
func (d *dockerfile) base(ref string, line int) {
	ref = d.expand(unquote(ref))
	if _, err := strconv.Atoi(ref); err == nil || d.stages[strings.ToLower(ref)] {
		return
	}
	d.image(ref, line)
}

// words takes the operands of an instruction apart.
func (d *dockerfile) words(in instruction) []word {
	var all []word
	for _, c := range commands(in.text, in.line) {
		all = append(all, c...)
	}
	return all
}

// env reads ENV A=b C=d and the older ENV A b.
func (d *dockerfile) env(in instruction) {
	words := d.words(in)
	if len(words) == 0 {
		return
	}
	if !strings.Contains(words[0].text, "=") {
		value := ""
		if len(words) > 1 {
			value = words[1].text
		}
		d.variable(words[0].text, d.expand(value), words[0].line)
		return
	}
	for _, w := range words {
		if name, value, ok := strings.Cut(w.text, "="); ok {
			d.variable(name, d.expand(value), w.line)
		}
	}
}

// run reads RUN in its forms: options, a list of words, a script, a document.
func (d *dockerfile) run(in instruction) {
	text := in.text
	for {
		trimmed := strings.TrimLeft(text, " \t")
		if rest, ok := strings.CutPrefix(trimmed, "\\\n"); ok {
			text, in.line = rest, in.line+1
			continue
		}
		option, rest, _ := strings.Cut(trimmed, " ")
		if !strings.HasPrefix(option, "--") {
			text = trimmed
			break
		}
		for _, part := range strings.Split(option, ",") {
			if from, ok := strings.CutPrefix(part, "from="); ok {
				d.base(from, in.line)
			}
		}
		if end := strings.Index(option, "\\\n"); end >= 0 {
			in.line += strings.Count(option, "\n")
		}
		text = rest
		if rest == "" {
			break
		}
	}
	d.exec(text, in.line)
	for _, doc := range in.docs {
		d.script(string(doc.text), doc.line+1)
	}
}

// exec reads a list of words in brackets, or a script.
func (d *dockerfile) exec(text string, line int) {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "[") {
		plain := strings.ReplaceAll(text, "\\\n", "\n")
		if n, err := parseJSON([]byte(plain)); err == nil && n.kind == sequence {
			for _, item := range n.items {
				item.line += line - 1
			}
			d.out.args(n.items)
			return
		}
	}
	d.script(text, line)
}

// expand puts the defaults of ARG in place; a variable without one stays.
func (d *dockerfile) expand(s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < 4096; {
		n := template(s[i:])
		if n == 0 || s[i] != '$' {
			b.WriteByte(s[i])
			i++
			continue
		}
		name := strings.Trim(s[i+1:i+n], "{}")
		name, fallback, has := strings.Cut(name, ":-")
		switch value := d.args[name]; {
		case value != "":
			b.WriteString(value)
		case has:
			b.WriteString(fallback)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// port keeps the number of a port: 8000, 8000/tcp, 127.0.0.1:80:8000 (the
// container's), 8000-8002 (the first).
func (o *out) port(s string, line int) {
	s, _, _ = strings.Cut(s, "/")
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		s = s[i+1:]
	}
	s, _, _ = strings.Cut(s, "-")
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < 1<<16 {
		o.add(fact.Fact{Class: fact.Port, Name: strconv.Itoa(n), Line: line})
	}
}
