package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// envFormat knows files of variables: .env, .env.example, production.env.
func envFormat(n name, _ []byte) (format, bool) {
	switch {
	case n.base == ".env", strings.HasPrefix(n.base, ".env."), n.ext == ".env", n.base == ".envrc", n.base == ".dev.vars":
		return format{name: "env", read: readEnv}, true
	}
	return format{}, false
}

// readEnv reads lines of NAME=value. A line that is commented out is kept as
// such: a template often lists what may be set.
func readEnv(o *out, data []byte) error {
	for i, line := range lines(data) {
		text := strings.TrimSpace(line)
		standing := fact.Direct
		if rest, ok := strings.CutPrefix(text, "#"); ok {
			text, standing = strings.TrimSpace(rest), fact.Commented
		}
		text = strings.TrimPrefix(text, "export ")
		variable, value, ok := strings.Cut(text, "=")
		variable = strings.TrimSpace(variable)
		if !ok || !isVariable(variable) {
			continue
		}
		o.with(standing, func() { o.variable(variable, unquote(strings.TrimSpace(value)), i+1) })
	}
	return nil
}
