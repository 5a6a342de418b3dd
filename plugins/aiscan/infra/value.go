package infra

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// lines splits at line feeds and leaves carriage returns and a byte order mark
// out.
func lines(data []byte) []string {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	all := strings.Split(string(data), "\n")
	for i, l := range all {
		all[i] = strings.TrimSuffix(l, "\r")
	}
	return all
}

// isVariable reports whether s can be the name of an environment variable.
func isVariable(s string) bool {
	if s == "" || len(s) > 128 || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// unquote takes one pair of quotes away.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// variable keeps the name of a variable and, of its value, only the host, the
// model or the other variable that it names.
func (o *out) variable(name, value string, line int) {
	if !isVariable(name) {
		return
	}
	o.add(fact.Fact{Class: fact.Env, Name: name, Line: line})
	o.value(name, value, line)
	o.references(value, line)
}

// secret keeps the name of a credential that something is given: as it is, if it
// can be a variable, or as the variable that it is for (openai-api-key).
func (o *out) secret(name string, line int) {
	key := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_", "/", "_").Replace(name))
	if !isConstant(key) {
		return
	}
	if !isVariable(name) {
		name = key
	}
	o.add(fact.Fact{Class: fact.Env, Name: name, Line: line})
}

// references keeps the variables that a text refers to: $NAME, ${NAME:-x},
// $(NAME), ${{ secrets.NAME }}. Names of small letters are seldom variables of
// the environment and are left out.
func (o *out) references(text string, line int) {
	if strings.Contains(text, "env(") && !strings.Contains(text, "\n") {
		o.envCalls(text, line)
	}
	for at := 0; at < len(text); {
		i := strings.IndexByte(text[at:], '$')
		if i < 0 {
			return
		}
		line += strings.Count(text[at:at+i], "\n")
		at += i + 1
		rest := strings.TrimLeft(text[at:], "{( ")
		for _, from := range [...]string{"secrets.", "vars.", "env.", "env:"} {
			rest = strings.TrimPrefix(rest, from)
		}
		end := 0
		for end < len(rest) && (rest[end] == '_' || rest[end] >= 'A' && rest[end] <= 'Z' || rest[end] >= '0' && rest[end] <= '9') {
			end++
		}
		if end > 2 && isVariable(rest[:end]) {
			o.add(fact.Fact{Class: fact.Env, Name: rest[:end], Line: line})
		}
	}
}

// envCalls keeps the variables of env(NAME), as Symfony and others write it,
// with what the value is turned into before the name: %env(string:NAME)%.
func (o *out) envCalls(text string, line int) {
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "env(")
		if !ok {
			return
		}
		inner, _, ok := strings.Cut(after[:min(len(after), 160)], ")")
		if name := strings.Trim(inner[strings.LastIndexByte(inner, ':')+1:], `"' `); ok && isConstant(name) {
			o.add(fact.Fact{Class: fact.Env, Name: name, Line: line})
		}
		rest = after
	}
}

// hostsIn keeps the hosts of all addresses in a text of one line or more.
func (o *out) hostsIn(text string, line int) {
	counted := 0
	for at := 0; at < len(text); {
		i := strings.Index(text[at:], "://")
		if i < 0 {
			return
		}
		i += at
		start := i
		line += strings.Count(text[counted:i], "\n")
		counted = i
		for start > at && text[start-1]|0x20 >= 'a' && text[start-1]|0x20 <= 'z' {
			start--
		}
		if h := hostOf(text[start:]); h != "" {
			o.add(fact.Fact{Class: fact.Host, Name: h, Line: line})
		}
		at = i + 3
	}
}

// value keeps what a setting's value names: the hosts of addresses, and the id
// of a model where the key says that it is one.
func (o *out) value(key, value string, line int) {
	value = fallback(value)
	switch {
	case len(value) > 1<<14:
	case strings.Contains(value, "://"):
		o.hostsIn(value, line)
	case isModelKey(key) && isModelID(value):
		o.add(fact.Fact{Class: fact.Model, Name: value, Line: line})
	case isHostKey(key) && isBareHost(value):
		o.add(fact.Fact{Class: fact.Host, Name: strings.ToLower(value), Line: line})
	}
}

// fallback returns what ${NAME:-text} and ${NAME-text} stand for when the
// variable is not set, as shells have it; other values stay.
func fallback(value string) string {
	if !strings.HasPrefix(value, "${") || !strings.HasSuffix(value, "}") {
		return value
	}
	if _, text, ok := strings.Cut(value[2:len(value)-1], "-"); ok && !strings.ContainsAny(text, "${}") {
		return text
	}
	return value
}

// isHostKey reports whether a key holds the name of a host.
func isHostKey(key string) bool {
	k := strings.ToLower(key)
	for _, end := range [...]string{"host", "hostname", "endpoint", "url", "uri", "server", "domain", "baseurl", "base_url", "api_base", "apibase", "address", "addr", "upstream"} {
		if strings.HasSuffix(k, end) {
			return true
		}
	}
	return false
}

// isBareHost reports whether s is a host with a domain, perhaps with a port.
func isBareHost(s string) bool {
	host, _, _ := strings.Cut(s, ":")
	dot := strings.LastIndexByte(host, '.')
	return dot > 0 && len(host)-dot > 2 && isHost(s) && strings.Trim(strings.ToLower(host[dot+1:]), "abcdefghijklmnopqrstuvwxyz") == ""
}

// hostOf returns the host of an absolute address of the web, with its port if
// it has one of its own, and never what stands before an @.
func hostOf(s string) string {
	for _, scheme := range [...]string{"https://", "http://", "wss://", "ws://", "grpc://", "grpcs://"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			end := strings.IndexAny(s[len(scheme):], "/?# \t\"'`<>\\,;|")
			if end >= 0 {
				s = s[:len(scheme)+end]
			}
			u, err := url.Parse(s)
			if err != nil || !isHost(u.Hostname()) {
				return ""
			}
			return strings.ToLower(u.Host)
		}
	}
	return ""
}

// isHost reports whether s can be a name in the DNS or an address.
func isHost(s string) bool {
	if s == "" || len(s) > 253 || s[0] == '.' || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if s[i] != '.' && s[i] != '-' && s[i] != '_' && s[i] != ':' && (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// isModelKey reports whether a key holds the id of a model: model,
// OPENAI_MODEL, modelId, embedding_model, deployment-name.
func isModelKey(key string) bool {
	// The last letters, without what separates words.
	var last [16]byte
	n := len(last)
	for i := len(key) - 1; i >= 0 && n > 0; i-- {
		switch c := key[i]; {
		case c == '-' || c == '_' || c == '.' || c == ' ':
		case c >= 'A' && c <= 'Z':
			n--
			last[n] = c | 0x20
		default:
			n--
			last[n] = c
		}
	}
	k := string(last[n:])
	for _, end := range [...]string{"model", "modelid", "modelname", "modelids", "models", "llm", "deploymentname", "deploymentid", "modelkey", "modelarn", "modelref", "modelversion"} {
		if strings.HasSuffix(k, end) {
			return true
		}
	}
	return false
}

// isModelID reports whether a value can be the id of a model: letters, digits
// and a little punctuation, no blanks, not a number, not a template.
func isModelID(s string) bool {
	if len(s) < 2 || len(s) > 200 || isKeyShaped(s) || isConstant(s) {
		return false
	}
	letter := false
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case c >= 'a' && c <= 'z':
			letter = true
		case s[i] >= '0' && s[i] <= '9', s[i] == '-', s[i] == '_', s[i] == '.', s[i] == '/', s[i] == ':', s[i] == '@', s[i] == '+':
		default:
			return false
		}
	}
	return letter && !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, ".") && s != "true" && s != "false" && s != "null" && s != "none"
}

// isKeyShaped reports whether a text looks like a credential rather than a
// name: nothing of it is kept.
func isKeyShaped(s string) bool {
	for _, p := range [...]string{"sk-", "sk_", "hf_", "gsk_", "xai-", "r8_", "pk-", "ghp_", "gho_", "github_pat_", "AKIA", "AIza", "eyJ", "nvapi-", "pplx-", "lsv2_", "glpat-", "dapi"} {
		if strings.HasPrefix(s, p) && len(s) >= len(p)+12 {
			return true
		}
	}
	return false
}
