package source

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// clients reads where clients of the protocol that several vendors speak are
// sent: the address that is given to them decides whose use it is.
func (t *text) clients() {
	for i, tok := range t.tokens {
		if tok.kind != word || !mayName(t.b[tok.start:tok.end]) {
			continue
		}
		switch {
		case clientName(t.at(i)) && t.opens(i+1):
			t.client(i)
		case azureName(t.at(i)) && t.opens(i+1):
			t.addressed(t.at(i), Elsewhere, tok.line)
		case tok.end-tok.start == 6 && t.at(i) == "openai" && t.uses(i):
			t.addressed("openai", "", tok.line)
		case baseName(t.at(i)) && t.assigned(i):
			if h, line := t.addressAt(i); h != "" {
				name := ""
				if strings.Contains(strings.ToLower(t.at(i)+t.at(i-2)), "openai") {
					name = "openai"
				}
				t.addressed(name, h, line)
			}
		}
	}
}

// mayName is a quick look at what clientName, azureName and baseName want: most
// words are nothing.
func mayName(b []byte) bool {
	if len(b) < 6 || len(b) > 60 {
		return false
	}
	for i := 0; i+2 < len(b); i++ {
		switch lowerByte(b[i]) {
		case 'o': // openai
			if lowerByte(b[i+1]) == 'p' && lowerByte(b[i+2]) == 'e' {
				return true
			}
		case 'b': // base
			if lowerByte(b[i+1]) == 'a' && lowerByte(b[i+2]) == 's' {
				return true
			}
		case 'u': // url, uri
			if lowerByte(b[i+1]) == 'r' {
				return true
			}
		case 'e': // endpoint
			if lowerByte(b[i+1]) == 'n' && lowerByte(b[i+2]) == 'd' {
				return true
			}
		}
	}
	return false
}

// uses reports whether the module itself is called, not only its types and
// errors.
func (t *text) uses(i int) bool {
	if t.at(i+1) == "(" {
		return t.at(i-1) != "."
	}
	next := t.at(i + 2)
	if t.at(i+1) != "." || clientName(next) || baseName(next) {
		return false
	}
	for _, no := range []string{"Error", "Exception", "types", "Timeout", "api_key", "NOT_GIVEN", "organization", "__version__"} {
		if strings.HasSuffix(next, no) {
			return false
		}
	}
	return t.at(i-1) != "." && t.at(i-1) != "import" && t.at(i-1) != "from"
}

// opens reports whether the arguments of a call or the values of an object
// stand at i, behind type arguments or not.
func (t *text) opens(i int) bool {
	return t.at(i) == "(" || t.at(i) == "{" || t.at(i) == "." && t.at(i+1) == "new"
}

// clientName reports whether a name is that of a client that can be sent
// elsewhere.
func clientName(name string) bool {
	n := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if !strings.Contains(n, "openai") || strings.Contains(n, "azure") || strings.Contains(n, "error") || strings.Contains(n, "exception") {
		return false
	}
	return isUpper(name) || strings.HasPrefix(n, "create") || strings.HasPrefix(n, "new")
}

// azureName reports whether a name is that of a client which asks another
// cloud, though it comes with the vendor's own.
func azureName(name string) bool {
	n := strings.ToLower(name)
	return strings.Contains(n, "azure") && strings.Contains(n, "openai") && !strings.Contains(n, "error")
}

// baseName reports whether a name is that of the address of an API.
func baseName(name string) bool {
	switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
	case "baseurl", "apibase", "openaiapibase", "openaibaseurl", "basepath", "baseuri", "uribase", "withbaseurl", "endpoint", "apiurl", "apibaseurl", "baseaddress", "azureendpoint":
		return true
	default:
		return false
	}
}

// client looks through the arguments for an address.
func (t *text) client(i int) {
	start := i + 1
	for start < len(t.tokens) && t.at(start) != "(" && t.at(start) != "{" {
		start++
	}
	depth, address := 0, ""
	if start < len(t.tokens) {
		depth = t.tokens[start].depth
	}
	line := t.tokens[i].line
	for j := start + 1; j < len(t.tokens) && j < start+400 && t.tokens[j].depth > depth; j++ {
		if t.is(j, word) && baseName(t.at(j)) && (t.assigned(j) || t.at(j+1) == "(") || t.is(j, str) && baseName(t.at(j)) {
			if address, _ = t.addressAt(j); address == "" {
				address = Unknown
			}
		}
		// new URI("https://…"): an address that stands as an argument.
		if t.is(j, str) && address == "" && strings.HasPrefix(t.at(j), "http") {
			address = hostAt([]byte(t.at(j))[strings.Index(t.at(j), "//")+2:])
		}
	}
	// A builder says it behind the call.
	t.addressed(t.at(i), address, line)
}

// addressed adds where a client is sent, and the host once more as an address.
func (t *text) addressed(name, address string, line int) {
	if address == "x" { // all of it is filled in later
		address = Unknown
	}
	if name != "" {
		t.out.add(fact.Fact{Class: fact.Call, Group: t.lang.Name, Name: name, Line: line, Attrs: map[string]string{Client: name, Address: address}})
	}
	if address != "" && address != Unknown && address != Elsewhere {
		t.out.add(fact.Fact{Class: fact.Host, Group: t.lang.Name, Name: address, Line: line, Attrs: map[string]string{Address: address}})
	}
}

// assigned reports whether a value follows a name.
func (t *text) assigned(i int) bool {
	n := t.at(i + 1)
	return (n == "=" && t.at(i+2) != "=") || n == ":" || n == "(" || n == "?" && t.at(i+2) == ":"
}

// addressAt returns the host of the first string behind a name, before the end
// of its value.
func (t *text) addressAt(i int) (string, int) {
	depth := t.tokens[i].depth
	for j := i + 1; j < len(t.tokens) && j < i+16; j++ {
		tok := t.tokens[j]
		if tok.depth < depth || tok.depth == depth && (t.at(j) == "," || t.at(j) == ";") {
			return "", 0
		}
		if tok.kind != str {
			continue
		}
		s := t.at(j)
		if at := strings.Index(s, "://"); at >= 0 {
			return hostAt([]byte(s[at+3:])), tok.line
		}
	}
	return "", 0
}
