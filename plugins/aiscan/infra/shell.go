package infra

import (
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/manifest"
)

// Script reads a script of a shell, whose first line is the given one: what its
// commands install, run, fetch and set. It includes what manifest.Command says.
func Script(text string, line int) []fact.Fact {
	o := &out{}
	o.script(text, line)
	return o.done()
}

// word is a word of a command, with its line.
type word struct {
	text string
	line int
}

// script keeps what the commands of a shell install, run, fetch and set.
func (o *out) script(text string, line int) {
	if strings.TrimSpace(text) == "" || len(text) > 1<<20 {
		return
	}
	for _, f := range manifest.Command(text, line) {
		o.add(f)
	}
	for _, c := range commands(text, line) {
		o.command(c)
	}
}

// args keeps the same of a command that is given as a list of words. A shell
// with -c is read as a script.
func (o *out) args(list []*node) {
	var words []word
	for _, a := range list {
		if a.kind == scalar {
			words = append(words, word{a.text, a.begin()})
		}
	}
	if len(words) > 2 && strings.EqualFold(words[1].text, "/c") { // cmd /c npx …
		words = words[2:]
	}
	if len(words) == 0 {
		return
	}
	for i, w := range words {
		if strings.Contains(w.text, " ") && i > 0 && strings.HasPrefix(words[i-1].text, "-") && strings.HasSuffix(words[i-1].text, "c") {
			o.script(w.text, w.line)
			return
		}
	}
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	if !strings.Contains(b.String(), "\n") {
		for _, f := range manifest.Command(b.String(), words[0].line) {
			for _, w := range words[:min(len(words), 200)] {
				if strings.Contains(loose(w.text), loose(f.Name)) {
					f.Line = w.line
					break
				}
			}
			o.add(f)
		}
	}
	o.command(words)
}

// loose is a name as it is compared with the word that it came from.
func loose(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(s))
}

// commands takes a script apart into simple commands. Comments are left out.
func commands(text string, line int) [][]word {
	var all [][]word
	var current []word
	var b strings.Builder
	in, start := false, line
	flush := func() {
		if in {
			current = append(current, word{b.String(), start})
			b.Reset()
			in = false
		}
	}
	end := func() {
		if flush(); len(current) > 0 {
			all = append(all, current)
			current = nil
		}
	}
	put := func(s string) {
		if !in {
			in, start = true, line
		}
		b.WriteString(s)
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			end()
			line++
		case ' ', '\t', '\r':
			flush()
		case ';', '|', '&', '(', ')', '`':
			end()
		case '#':
			if in {
				put("#")
				break
			}
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case '\\':
			if i+1 < len(text) && text[i+1] == '\r' {
				i++
			}
			if i+1 < len(text) && text[i+1] == '\n' {
				flush()
				line++
			} else if i+1 < len(text) {
				put(text[i+1 : i+2])
			}
			i++
		case '\'', '"':
			put("")
			for i++; i < len(text) && text[i] != c; i++ {
				if c == '"' && text[i] == '\\' && i+1 < len(text) {
					i++
				}
				if text[i] == '\n' {
					line++
				}
				b.WriteByte(text[i])
			}
		case '$':
			n := template(text[i:min(i+200, len(text))])
			if n < 2 || strings.HasPrefix(text[i:], "$(") {
				n = 1
			}
			put(text[i : i+n])
			line += strings.Count(text[i:i+n], "\n")
			i += n - 1
		default:
			put(text[i : i+1])
		}
	}
	end()
	return all
}

// command keeps what one simple command says.
func (o *out) command(words []word) {
	for _, w := range words {
		if i := strings.Index(w.text, "://"); i > 0 {
			o.hostsIn(w.text, w.line)
		}
	}
	for len(words) > 0 {
		w := words[0]
		if variable, value, ok := strings.Cut(w.text, "="); ok && isVariable(variable) {
			o.variable(variable, value, w.line)
		} else if !isPrefix(w.text) {
			break
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	o.call(words)
	o.flags(words)
	rest := words[1:]
	switch path.Base(words[0].text) {
	case "docker", "podman", "nerdctl":
		o.dockerRun(rest)
	case "ollama":
		if sub, target := operand(rest, 0), operand(rest, 1); sub.text == "pull" || sub.text == "run" {
			o.model(target.text, target.line)
		}
	case "hf", "huggingface-cli":
		if sub, target := operand(rest, 0), operand(rest, 1); sub.text == "download" && strings.Contains(target.text, "/") && !mentions(rest, "dataset") {
			o.model(target.text, target.line)
		}
	case "vllm", "sglang", "lms", "mlx_lm.server":
		if sub, target := operand(rest, 0), operand(rest, 1); sub.text == "serve" || sub.text == "get" || sub.text == "load" {
			o.model(target.text, target.line)
		}
	case "helm":
		o.helmInstall(rest)
	case "code", "codium", "cursor", "code-server", "code-insiders":
		for i, w := range rest {
			if w.text == "--install-extension" && i+1 < len(rest) {
				o.extension(rest[i+1].text, rest[i+1].line)
			}
		}
	}
}

// isPrefix reports whether a word only changes how the next one is run.
func isPrefix(s string) bool {
	switch s {
	case "sudo", "env", "exec", "time", "nohup", "export", "then", "do", "else", "if", "while", "!", "{", "set", "command", "xargs", "-E", "call":
		return true
	}
	return false
}

// call keeps the words that name what a program is asked to do: aws
// bedrock-runtime invoke-model. Only words of small letters count, so that no
// argument is among them.
func (o *out) call(words []word) {
	var b strings.Builder
	for i, w := range words {
		text := w.text
		if i == 0 {
			text = path.Base(text)
		}
		if i == 3 || text == "" || len(text) > 40 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz-") != "" || text[0] == '-' {
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text)
	}
	if strings.Contains(b.String(), " ") {
		o.add(fact.Fact{Class: fact.Call, Name: b.String(), Line: words[0].line, Group: "sh"})
	}
}

// flags keeps models and images that options name.
func (o *out) flags(words []word) {
	for i, w := range words {
		if !strings.HasPrefix(w.text, "--") {
			continue
		}
		flag, value, ok := strings.Cut(w.text, "=")
		line := w.line
		if !ok && i+1 < len(words) {
			value, line = words[i+1].text, words[i+1].line
		}
		switch {
		case strings.HasPrefix(value, "-"):
		case flag == "--image" && ok:
			o.image(value, line)
		case isModelKey(strings.TrimPrefix(flag, "--")):
			o.model(value, line)
		}
	}
}

// model keeps a name that stands where the id of a model stands.
func (o *out) model(id string, line int) {
	if isModelID(id) {
		o.add(fact.Fact{Class: fact.Model, Name: id, Line: line})
	}
}

// operand is the nth word that is no option.
func operand(words []word, n int) word {
	for _, w := range words {
		if strings.HasPrefix(w.text, "-") {
			continue
		}
		if n == 0 {
			return w
		}
		n--
	}
	return word{}
}

func mentions(words []word, text string) bool {
	for _, w := range words {
		if w.text == text {
			return true
		}
	}
	return false
}

// dockerRun reads docker run, create and pull.
func (o *out) dockerRun(words []word) {
	if len(words) == 0 {
		return
	}
	sub := words[0].text
	if sub == "container" || sub == "image" {
		words = words[1:]
		if len(words) == 0 {
			return
		}
		sub = words[0].text
	}
	if sub == "model" && len(words) > 2 && (words[1].text == "pull" || words[1].text == "run") {
		o.model(words[2].text, words[2].line)
	}
	if sub != "run" && sub != "create" && sub != "pull" {
		return
	}
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case !strings.HasPrefix(w.text, "-"):
			o.image(w.text, w.line)
			if sub != "pull" && i+1 < len(words) {
				o.flags(words[i:])
			}
			return
		case w.text == "-e" || w.text == "--env":
			if i+1 < len(words) {
				name, value, _ := strings.Cut(words[i+1].text, "=")
				o.variable(name, value, words[i+1].line)
			}
			i++
		case strings.HasPrefix(w.text, "--env="):
			name, value, _ := strings.Cut(w.text[len("--env="):], "=")
			o.variable(name, value, w.line)
		case strings.Contains(w.text, "=") || isSwitch(w.text):
		default:
			i++
		}
	}
}

// isSwitch reports whether an option of docker run takes no value.
func isSwitch(s string) bool {
	switch s {
	case "--detach", "--rm", "--interactive", "--tty", "--privileged", "--init", "--quiet", "--read-only", "--no-healthcheck", "--publish-all", "--all-tags", "-a", "-q":
		return true
	}
	return !strings.HasPrefix(s, "--") && strings.Trim(s, "-ditPq") == ""
}

// helmInstall reads helm install NAME REPO/CHART and helm upgrade.
func (o *out) helmInstall(words []word) {
	sub := operand(words, 0).text
	if sub != "install" && sub != "upgrade" && sub != "template" && sub != "pull" {
		return
	}
	for _, w := range words[1:] {
		if strings.HasPrefix(w.text, "-") || strings.HasPrefix(w.text, ".") || strings.HasPrefix(w.text, "/") || strings.Contains(w.text, "=") || strings.HasSuffix(w.text, ".yaml") {
			continue
		}
		if i := strings.LastIndexByte(w.text, '/'); i > 0 && isImage(w.text[i+1:]) {
			o.chart(w.text[i+1:], "", w.line)
			return
		}
	}
}

// chart keeps the name of a Helm chart.
func (o *out) chart(name, version string, line int) {
	if isImage(name) {
		o.add(fact.Fact{Class: fact.Chart, Name: strings.ToLower(name), Version: version, Line: line})
	}
}

// extension keeps the id of an extension of an editor or a browser.
func (o *out) extension(id string, line int) {
	id = strings.TrimSpace(id)
	version := ""
	if i := strings.LastIndexByte(id, '@'); i > 0 && i+1 < len(id) && (id[i+1] >= '0' && id[i+1] <= '9' || id[i+1:] == "prerelease") {
		id, version = id[:i], id[i+1:]
	}
	if len(id) > 2 && !strings.ContainsAny(id, " /\\$") {
		o.add(fact.Fact{Class: fact.Extension, Name: strings.ToLower(id), Version: version, Line: line})
	}
}
