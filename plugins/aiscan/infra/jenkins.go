package infra

import (
	"regexp"
	"strings"
)

// jenkins are the calls of a Jenkinsfile that name something: what is run in a
// shell, which image, which credential, which variable.
type jenkins struct {
	*out
	block string // the quotes of a script that goes on, or nothing
	text  strings.Builder
	start int
}

var (
	jenkinsImage = regexp.MustCompile(`(?:\bimage\s*\(?\s*|docker\.image\(\s*)['"]([^'"]+)['"]`)
	jenkinsAgent = regexp.MustCompile(`\bdocker\s*\{?\s*['"]([^'"]+)['"]`)
	jenkinsVar   = regexp.MustCompile(`(?:variable|passwordVariable|usernameVariable)\s*:\s*['"](\w+)['"]`)
	jenkinsID    = regexp.MustCompile(`credentials(?:Id\s*:\s*|\(\s*)['"]([\w.-]+)['"]`)
	jenkinsEnv   = regexp.MustCompile(`^\s*([A-Z][A-Z0-9_]{2,})\s*=\s*(.+)$`)
	jenkinsShell = regexp.MustCompile(`\b(?:sh|bat|powershell|pwsh)\s*(?:\(\s*)?(?:script\s*:\s*|label\s*:\s*['"][^'"]*['"]\s*,\s*script\s*:\s*)?('''|"""|'|")`)
)

// readJenkins reads a Jenkinsfile, declarative or scripted, line by line.
func readJenkins(o *out, data []byte) error {
	j := jenkins{out: o}
	comment := false
	for i, raw := range lines(data) {
		if len(raw) > 1<<16 {
			continue
		}
		if j.block != "" {
			j.more(raw)
			continue
		}
		var text string
		if text, comment = stripC(raw, comment, '\'', '"'); strings.TrimSpace(text) != "" {
			j.line(text, i+1)
		}
	}
	return nil
}

func (j *jenkins) line(text string, line int) {
	for _, m := range jenkinsImage.FindAllStringSubmatch(text, 8) {
		j.image(m[1], line)
	}
	if m := jenkinsAgent.FindStringSubmatch(text); m != nil {
		j.image(m[1], line)
	}
	for _, m := range jenkinsVar.FindAllStringSubmatch(text, 8) {
		j.variable(m[1], "", line)
	}
	for _, m := range jenkinsID.FindAllStringSubmatch(text, 8) {
		j.secret(m[1], line)
	}
	if m := jenkinsEnv.FindStringSubmatch(text); m != nil {
		j.variable(m[1], unquote(strings.TrimSpace(m[2])), line)
	}
	m := jenkinsShell.FindStringSubmatchIndex(text)
	if m == nil {
		j.hostsIn(text, line)
		return
	}
	quote, rest := text[m[2]:m[3]], text[m[3]:]
	if end := strings.Index(rest, quote); end >= 0 {
		j.script(rest[:end], line)
	} else if len(quote) == 3 {
		j.block, j.start = quote, line
		j.text.Reset()
		j.text.WriteString(rest)
	}
}

// more adds a line to a script that goes on.
func (j *jenkins) more(raw string) {
	end := strings.Index(raw, j.block)
	if end >= 0 {
		raw = raw[:end]
	}
	if j.text.Len() < 1<<18 {
		j.text.WriteByte('\n')
		j.text.WriteString(raw)
	}
	if end >= 0 {
		j.script(j.text.String(), j.start)
		j.references(j.text.String(), j.start)
		j.block = ""
	}
}
