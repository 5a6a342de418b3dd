package source

import (
	"bytes"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// strings reads what stands between quotes.
func (t *text) strings() {
	for i, tok := range t.tokens {
		if tok.kind != str || tok.prose || tok.end == tok.start {
			continue
		}
		s := t.b[tok.start:tok.end]
		if bytes.Contains(s, []byte("://")) || dotHost(s) {
			if h := hostAt(s); bareHost(h) && len(h) == len(s) {
				t.host(i, h)
			} else {
				t.hosts(s, tok.line, t.hostStanding(i, s))
			}
		}
		t.envIn(i, s)
		if id := modelText(s); id != "" && (hosted(id) || t.modelPlace(i) && modelLike(id, t.hints)) {
			t.out.add(fact.Fact{Class: fact.Model, Group: t.lang.Name, Name: id, Line: tok.line})
		}
		t.modelsWithin(s, tok.line)
	}
	if t.lang.shell {
		t.shellHosts()
	}
	if t.lang == markup {
		t.markupHosts()
	}
}

// hosts finds the hosts that a text names: with a scheme before them, or as the
// whole text, with a path or not.
func (t *text) hosts(s []byte, line int, standing fact.Standing) {
	if standing == fact.Commented {
		return
	}
	l, counted := line, 0
	for from := 0; from < len(s); {
		at := bytes.Index(s[from:], []byte("://"))
		if at < 0 {
			break
		}
		at += from + 3
		from = at
		if h := hostAt(s[at:]); h != "" {
			l += bytes.Count(s[counted:at], []byte("\n"))
			counted = at
			t.out.add(fact.Fact{Class: fact.Host, Group: t.lang.Name, Name: h, Line: l, Standing: standing})
			if standing.Counts() && spoken(s[at:]) {
				t.addressed(REST, h, l)
			}
		}
	}
	if bytes.Contains(s, []byte("://")) || bytes.ContainsAny(s, " \t\n") {
		return
	}
	if h := hostAt(s); bareHost(h) {
		t.out.add(fact.Fact{Class: fact.Host, Group: t.lang.Name, Name: h, Line: line, Standing: standing})
	}
}

// spoken reports whether a path is one of the protocol that several vendors
// speak.
func spoken(address []byte) bool {
	if end := bytes.IndexAny(address, " \n\"'"); end >= 0 {
		address = address[:end]
	}
	return bytes.Contains(address, []byte("/chat/completions"))
}

// bareHost reports whether a text without a scheme is likely a host: two dots,
// or a port.
func bareHost(h string) bool {
	name, port, some := strings.Cut(h, ":")
	return name != "" && (strings.Count(name, ".") >= 1 || some && port != "") && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".")
}

// hostAt returns the host, with its port, with which a text begins. What is
// filled in later stands as x. Credentials before an @ are left out.
func hostAt(s []byte) string {
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < 260; {
		if n := interpolation(s[i:]); n > 0 {
			b.WriteByte('x')
			i += n
			continue
		}
		c := s[i]
		switch {
		case isLetter(c) || c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':' || c == '_':
			b.WriteByte(lowerByte(c))
		case c == '@':
			b.Reset()
		default:
			return trimHost(b.String())
		}
		i++
	}
	return trimHost(b.String())
}

// trimHost keeps name:port of what looks like a host.
func trimHost(h string) string {
	name, port, some := strings.Cut(h, ":")
	if !some {
		return strings.Trim(name, ".")
	}
	digits := 0
	for digits < len(port) && port[digits] >= '0' && port[digits] <= '9' {
		digits++
	}
	if name == "" || digits == 0 || digits > 5 {
		return strings.Trim(name, ".")
	}
	return name + ":" + port[:digits]
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// interpolation returns the length of a part that is filled in later: ${x},
// #{x}, {x}, %s, <x>, $x.
func interpolation(s []byte) int {
	closing := byte('}')
	var at int
	switch {
	case hasPrefix(s, "${"), hasPrefix(s, "#{"), hasPrefix(s, "{{"), hasPrefix(s, "%{"):
		at = 2
	case hasPrefix(s, "$("), hasPrefix(s, `\(`):
		at, closing = 2, ')'
	case s[0] == '{':
		at = 1
	case s[0] == '<':
		at, closing = 1, '>'
	case s[0] == '%' && len(s) > 1 && (s[1] == 's' || s[1] == 'v' || s[1] == 'd'):
		return 2
	case s[0] == '$' && len(s) > 1 && isLetter(s[1]):
		return 1 + wordLen(s[1:])
	default:
		return 0
	}
	end := bytes.IndexByte(s[at:min(len(s), 200)], closing)
	if end < 0 || bytes.ContainsAny(s[at:at+end], "/\n") {
		return 0
	}
	end += at + 1
	if hasPrefix(s, "{{") && hasPrefix(s[end:], "}") {
		end++
	}
	return end
}

// hostStanding tells an address that is asked from one that is written about,
// or named in order to keep it out. Commented stands for prose here.
func (t *text) hostStanding(i int, s []byte) fact.Standing {
	if t.deniedAt(i) {
		return fact.Excluded
	}
	if prose(s) {
		return fact.Commented
	}
	return fact.Direct
}

// prose reports whether a string is a sentence: several words with single
// spaces between them, of which most are plain, and nothing that a program
// would run.
func prose(s []byte) bool {
	if len(s) > 4096 {
		s = s[:4096]
	}
	words := bytes.Fields(s)
	if len(words) < 4 {
		return false
	}
	plain := 0
	for _, w := range words {
		if bytes.Equal(w, []byte("curl")) || bytes.Equal(w, []byte("wget")) || bytes.Equal(w, []byte("import")) || bytes.Equal(w, []byte("FROM")) {
			return false
		}
		if plainWord(w) {
			plain++
		}
	}
	return plain*3 >= len(words)*2
}

func plainWord(w []byte) bool {
	w = bytes.Trim(w, ".,:;!?()'\"`")
	for _, c := range w {
		if !isLetter(c) && c != '\'' && c != '-' {
			return false
		}
	}
	return true
}

// deniedAt looks back along the statement for a name that says what follows is
// kept out.
func (t *text) deniedAt(i int) bool {
	depth := t.tokens[i].depth
	for n, j := 0, i-1; j >= 0 && n < 60; n, j = n+1, j-1 {
		tok := t.tokens[j]
		if tok.depth > depth {
			continue
		}
		if tok.depth < depth {
			depth = tok.depth
		}
		if tok.kind == word && denies(t.at(j)) || tok.kind == str && tok.end-tok.start < 40 && denies(t.at(j)) {
			return true
		}
		if tok.line < t.tokens[i].line && tok.depth == 0 && t.first(j) {
			return false
		}
		if t.at(j) == ";" {
			return false
		}
	}
	return false
}

func denies(name string) bool {
	n := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(name, "_", ""), "-", ""))
	for _, w := range []string{"blocklist", "denylist", "blacklist", "blockedhost", "blockeddomain", "denieddomain", "deniedhost", "forbidden", "banned", "disallow", "blocked", "denied", "sensitive", "redact", "scrub", "strippedenv", "maskedenv"} {
		if strings.Contains(n, w) {
			return true
		}
	}
	return false
}

// shellHosts reads addresses that stand without quotes.
func (t *text) shellHosts() {
	code := t.codeOnly()
	for from := 0; ; {
		at := bytes.Index(code[from:], []byte("://"))
		if at < 0 {
			return
		}
		at += from + 3
		from = at
		if h := hostAt(t.plain[at:]); h != "" {
			t.out.add(fact.Fact{Class: fact.Host, Group: t.lang.Name, Name: h, Line: t.lineAt(at)})
		}
	}
}

// markupHosts reads the addresses of scripts and forms: a link is for people.
func (t *text) markupHosts() {
	for i, tok := range t.tokens {
		if tok.kind == str && t.at(i-1) == "=" && oneOf(t.at(i-2), []string{"src", "action"}) {
			t.hosts(t.b[tok.start:tok.end], tok.line, fact.Direct)
		}
	}
}

// modelText returns a string that can be the id of a model.
func modelText(s []byte) string {
	if len(s) < 2 || len(s) > 120 {
		return ""
	}
	letters := false
	for _, c := range s {
		switch {
		case isLetter(c):
			letters = true
		case c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == ':' || c == '/' || c == '@' || c == '~' || c == '+':
		default:
			return ""
		}
	}
	if !letters || hasPrefix(s, "/") || hasPrefix(s, "./") || bytes.Contains(s, []byte("://")) {
		return ""
	}
	return string(s)
}

// modelsWithin reads the models that a text in JSON asks for: the body of a
// request that stands in a string.
func (t *text) modelsWithin(s []byte, line int) {
	for from := 0; from < len(s); {
		at := bytes.Index(s[from:], []byte("model"))
		if at < 0 {
			return
		}
		at += from + len("model")
		from = at
		rest := bytes.TrimLeft(s[at:], "\\\"' ")
		if len(rest) == len(s[at:]) || len(rest) == 0 || rest[0] != ':' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], " \\")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			continue
		}
		rest = rest[1:]
		end := bytes.IndexAny(rest[:min(len(rest), 130)], "\\\"'")
		if end < 0 {
			continue
		}
		if id := modelText(rest[:end]); id != "" {
			l := line + bytes.Count(s[:at], []byte("\n"))
			t.out.add(fact.Fact{Class: fact.Model, Group: t.lang.Name, Name: id, Line: l})
		}
	}
}

// modelLike reports whether an id is somebody's, or of the form owner/name that
// repositories of weights have.
func modelLike(id string, h Hints) bool {
	return strings.Count(id, "/") == 1 || h.known(fact.Model, id)
}

// dotHost reports whether a text can be a host without a scheme.
func dotHost(s []byte) bool {
	return len(s) > 3 && len(s) < 300 && bytes.IndexByte(s, '.') > 0 && !bytes.ContainsAny(s, " \t\n") || bytes.IndexByte(s, ':') > 0 && len(s) < 100
}

// hosted reports whether an id has a form that only models have.
func hosted(id string) bool {
	return (strings.HasPrefix(id, "@cf/") || strings.HasPrefix(id, "@hf/")) && strings.Count(id, "/") > 1 && !strings.HasSuffix(id, "/")
}

// modelPlace reports whether a string stands where a model is asked for: as the
// value of something called model, in a list of models, as the argument of what
// makes one. A key of a table and a comparison are none.
func (t *text) modelPlace(i int) bool {
	if next := t.at(i + 1); next == ":" && t.at(i-1) != "?" || next == "=" && t.at(i+2) == ">" {
		return false // a key: a table of prices, of limits
	}
	j := i - 1
	for n := 0; n < 60 && j >= 0; n, j = n+1, j-1 {
		tok := t.tokens[j]
		switch {
		case tok.kind == str && (t.at(j+1) == ":" || t.at(j+1) == "=" || t.at(j+1) == ","):
			if modelish(t.at(j)) {
				return true
			}
			if t.at(j+1) != "," {
				return listed(t, j)
			}
		case tok.kind == str:
		case tok.kind == word:
			if modelish(t.at(j)) {
				return t.at(j+1) != "=" || t.at(j+2) != "="
			}
			if maker(t.at(j)) && t.at(j+1) == "(" {
				return true
			}
			if !oneOf(t.at(j), []string{"string", "str", "String", "new", "const", "as", "or", "f", "b", "r", "os", "environ", "get", "getenv", "process", "env", "Optional", "List", "list", "vec", "Some", "into", "to_string", "from", "default", "Field"}) && !strings.Contains(strings.ToLower(t.at(j)), "env") && t.at(j-1) != "." {
				return listed(t, j)
			}
		case strings.Contains("=:([,{.|?&<>!]", t.at(j)):
			if (t.at(j) == "=" || t.at(j) == "!") && (t.at(j-1) == "=" || t.at(j-1) == "!") {
				return false
			}
		default:
			return false
		}
	}
	return false
}

// listed looks on for the name of the table in which j is a key: a table of
// models has them as values.
func listed(t *text, j int) bool {
	depth := t.tokens[j].depth
	if depth == 0 {
		return false
	}
	for n := 0; n < 80 && j > 0; n++ {
		j--
		if t.tokens[j].depth >= depth {
			continue
		}
		for k := j; k >= 0 && k > j-5; k-- {
			if t.is(k, word) && modelish(t.at(k)) {
				return !strings.Contains(strings.ToLower(t.at(k)), "price") && !strings.Contains(strings.ToLower(t.at(k)), "cost")
			}
		}
		return false
	}
	return false
}

// modelish reports whether a name is that of a model's place.
func modelish(name string) bool {
	n := strings.ToLower(name)
	return strings.Contains(n, "model") && !strings.Contains(n, "price") && !strings.Contains(n, "cost") && !strings.Contains(n, "models.") ||
		n == "engine" || n == "engine_name" || strings.HasSuffix(n, "llm") || strings.HasPrefix(n, "llm")
}

// maker reports whether a function of this name is given the model it makes.
func maker(name string) bool {
	return oneOf(name, []string{"from_pretrained", "pipeline", "SentenceTransformer", "CrossEncoder", "openai", "anthropic", "google", "mistral", "groq", "bedrock", "azure", "xai", "cohere", "deepseek", "init_chat_model", "GenerativeModel", "hf_hub_download", "snapshot_download", "LLM", "replicate"})
}
