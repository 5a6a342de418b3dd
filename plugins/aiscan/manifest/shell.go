package manifest

import (
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
)

// shellWord is one word of a command line.
type shellWord struct {
	text string
	line int
}

// shellCommand is one simple command.
type shellCommand struct {
	words  []shellWord
	remark bool // was read out of a comment
}

var shellVariable = regexp.MustCompile(`\$\{\{[^}]*\}\}|\$\{[^}\s]*\}|\$\([^)\s]*\)|\$[A-Za-z_]\w*|\{\{[^}]*\}\}|%[A-Za-z_]\w*%`)

// shellCommands cuts a script into its simple commands. It knows quotes,
// continued lines, comments and what separates commands, and no more of a shell.
func shellCommands(script string, line int) []shellCommand {
	if len(script) > 1<<20 {
		script = script[:1<<20]
	}
	if words, ok := execForm(script, line); ok {
		return []shellCommand{{words: words}}
	}
	s := &shellLexer{src: shellVariable.ReplaceAllStringFunc(script, variable), line: line}
	for s.at < len(s.src) && len(s.out) < 20_000 {
		s.step()
	}
	s.endCommand()
	return s.out
}

var toolVariable = regexp.MustCompile(`^(?:pip|pip3|python|python3|uv|poetry|conda|npm|npx|yarn|pnpm|bun|go|cargo|gem|bundle|dotnet|composer)$`)

// variable is what stands for a variable: the tool whose name it has, as in
// make files, or the mark of what is filled in later.
func variable(s string) string {
	if name := strings.ToLower(strings.Trim(s, "${}()%")); toolVariable.MatchString(name) {
		return name
	}
	return string(blank)
}

// execForm reads ["pip", "install", "name"].
func execForm(script string, line int) ([]shellWord, bool) {
	trimmed := strings.TrimSpace(script)
	if !strings.HasPrefix(trimmed, "[") || !strings.HasSuffix(trimmed, "]") {
		return nil, false
	}
	var args []string
	if json.Unmarshal([]byte(trimmed), &args) != nil {
		return nil, false
	}
	var words []shellWord
	for _, a := range args {
		words = append(words, shellWord{shellVariable.ReplaceAllStringFunc(a, variable), line})
	}
	return words, true
}

type shellLexer struct {
	src  string
	at   int
	line int
	cur  []shellWord
	out  []shellCommand
}

func (s *shellLexer) endCommand() {
	if len(s.cur) > 0 {
		s.out = append(s.out, shellCommand{words: s.cur})
		s.cur = nil
	}
}

func (s *shellLexer) step() {
	rest := s.src[s.at:]
	switch c := rest[0]; {
	case c == ' ' || c == '\t' || c == '\r':
		s.at++
	case (c == '\\' || c == '`' || c == '^') && strings.HasPrefix(strings.TrimLeft(rest[1:], " \t\r"), "\n"):
		s.at += 1 + strings.IndexByte(rest[1:], '\n') + 1
		s.line++
		s.skipRemarks()
	case c == '\n':
		s.endCommand()
		s.at++
		s.line++
	case c == '#' && (len(s.cur) == 0 || s.src[s.at-1] == ' ' || s.src[s.at-1] == '\t'):
		s.comment(rest)
	case strings.IndexByte(";&|()`", c) >= 0:
		s.endCommand()
		s.at++
	case (c == '<' || c == '>') && s.redirect(rest):
	default:
		s.word()
	}
}

// skipRemarks passes lines of comments inside a continued command.
func (s *shellLexer) skipRemarks() {
	for {
		rest := strings.TrimLeft(s.src[s.at:], " \t")
		if !strings.HasPrefix(rest, "#") {
			return
		}
		end := strings.IndexByte(rest, '\n')
		if end < 0 {
			return
		}
		s.remarkOf(rest[1:end])
		s.at = len(s.src) - len(rest) + end + 1
		s.line++
	}
}

func (s *shellLexer) comment(rest string) {
	end := strings.IndexByte(rest, '\n')
	if end < 0 {
		end = len(rest)
	}
	s.remarkOf(rest[1:end])
	s.at += end
}

func (s *shellLexer) remarkOf(body string) {
	inner := &shellLexer{src: strings.ReplaceAll(body, "#", " "), line: s.line}
	for inner.at < len(inner.src) && len(inner.out) < 100 {
		inner.step()
	}
	inner.endCommand()
	for _, c := range inner.out {
		c.remark = true
		s.out = append(s.out, c)
	}
}

// redirect passes what a command reads and writes: >file, 2>&1, <<EOF.
func (s *shellLexer) redirect(rest string) bool {
	n := 0
	for n < len(rest) && strings.IndexByte("<>&-|", rest[n]) >= 0 {
		n++
	}
	for n < len(rest) && rest[n] == ' ' {
		n++
	}
	for n < len(rest) && strings.IndexByte(" \t\n;&|)", rest[n]) < 0 {
		n++
	}
	s.at += max(n, 1)
	return true
}

func (s *shellLexer) word() {
	var b strings.Builder
	line := s.line
	for s.at < len(s.src) {
		c := s.src[s.at]
		switch {
		case c == '\'' || c == '"':
			s.quoted(c, &b)
			continue
		case c == '\\' && s.at+1 < len(s.src):
			if s.src[s.at+1] == '\n' {
				s.line++
			} else {
				b.WriteByte(s.src[s.at+1])
			}
			s.at += 2
			continue
		case strings.IndexByte(" \t\n\r;&|()", c) >= 0:
			s.cur = append(s.cur, shellWord{b.String(), line})
			return
		case (c == '<' || c == '>') && b.Len() == 0:
			s.cur = append(s.cur, shellWord{b.String(), line})
			return
		}
		b.WriteByte(c)
		s.at++
	}
	s.cur = append(s.cur, shellWord{b.String(), line})
}

func (s *shellLexer) quoted(mark byte, b *strings.Builder) {
	s.at++
	for s.at < len(s.src) && s.src[s.at] != mark {
		c := s.src[s.at]
		if c == '\\' && mark == '"' && s.at+1 < len(s.src) {
			s.at++
			c = s.src[s.at]
		}
		if c == '\n' {
			s.line++
		}
		b.WriteByte(c)
		s.at++
	}
	s.at++
}
