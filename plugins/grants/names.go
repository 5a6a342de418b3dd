package grants

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// maxName is how much of a name is looked at, in bytes.
const maxName = 1000

// words splits a name where neither letters nor digits stand, in lower case.
func words(name string) []string {
	if len(name) > maxName {
		name = name[:maxName]
	}
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// company is the name of a publisher without its legal form.
func company(name string) []string {
	for dotted, plain := range map[string]string{"L.L.C.": "llc", "L.P.": "lp", "P.B.C.": "pbc", "S.A.S.": "sas"} {
		name = strings.ReplaceAll(name, dotted, plain)
	}
	out := words(name)
	for len(out) > 1 && legalForm(out[len(out)-1]) {
		out = out[:len(out)-1]
	}
	return out
}

func legalForm(word string) bool {
	switch word {
	case "inc", "incorporated", "llc", "lp", "opco", "ltd", "limited", "corp", "corporation", "co", "company", "gmbh", "ag", "se", "sas", "ab", "pbc", "bv", "plc", "pty", "kk":
		return true
	}
	return false
}

// qualifier reports whether an administrator adds a word to the name of a
// product.
func qualifier(word string) bool {
	switch word {
	case "sso", "saml", "oidc", "oauth", "login", "app", "web", "desktop", "mobile", "enterprise", "team", "teams", "business", "edu", "pro", "plus", "prod",
		"production", "test", "staging", "dev", "eu", "us", "uk", "for", "work", "by", "the", "workspace", "platform", "hub", "api", "console", "ai", "assistant", "bot",
		"chat", "connector", "plugin", "extension", "browser", "chrome", "slack", "excel", "outlook", "gmail", "macos", "ios", "android", "ide", "mcp", "notetaker":
		return true
	}
	return false
}

// Likeness of a name to a product's.
const (
	none  = iota
	like  // the product's words stand in it
	exact // nothing else does, but for the vendor and what administrators add
)

// likeness compares the words of a name with those of a product.
func likeness(name, product, vendor []string) int {
	at := indexOf(name, product)
	if at < 0 {
		return none
	}
	rest := slices.Concat(name[:at], name[at+len(product):])
	if i := indexOf(rest, vendor); i >= 0 {
		rest = slices.Delete(slices.Clone(rest), i, i+len(vendor))
	}
	for _, w := range rest {
		if !qualifier(w) {
			return like
		}
	}
	return exact
}

// indexOf is where part stands in all; -1 if it does not or is empty.
func indexOf(all, part []string) int {
	if len(part) == 0 {
		return -1
	}
	for i := 0; i+len(part) <= len(all); i++ {
		if slices.Equal(all[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// hostOf is the host that an address names, in lower case; empty if none.
func hostOf(address string) string {
	address = strings.TrimSpace(address)
	if address == "" || len(address) > 4000 {
		return ""
	}
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// speaksForItself reports whether the name of a signature's vendor shows its
// AI: people sign in to it, and the vendor makes nothing else.
func speaksForItself(s *aisign.Signature) bool {
	switch s.Category {
	case aisign.Provider, aisign.Gateway, aisign.CodingAgent, aisign.AssistantSaaS:
		return !sellsOtherThings(s.Vendor)
	}
	return false
}

// sellsOtherThings reports whether a vendor is known for more than AI, so that
// its name alone says nothing.
func sellsOtherThings(vendor string) bool {
	switch strings.ToLower(vendor) {
	case "microsoft", "google", "amazon web services", "amazon", "meta", "alibaba cloud", "github", "gitlab", "jetbrains", "nvidia", "vercel", "notion",
		"cloudflare", "ibm", "oracle", "sap", "salesforce", "adobe", "atlassian", "slack", "zoom", "apple", "databricks", "snowflake", "quora", "canva",
		"figma", "intercom", "hubspot", "servicenow", "replit", "sourcegraph", "nebius", "unspecified", "continue", "runway", "modal labs", "fal":
		return true
	}
	return false
}
