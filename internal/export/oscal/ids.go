package oscal

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/defenseunicorns/go-oscal/src/pkg/uuid"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// namespace marks what OSCAL has no word for.
const namespace = "https://github.com/exhibit-aims/exhibit/ns/oscal"

// named returns the UUID of what has these names; each name counts as a whole.
func named(kind string, names ...string) string {
	var b strings.Builder
	b.WriteString(namespace + "#" + kind)
	for _, n := range names {
		b.WriteString("\n" + strconv.Itoa(len(n)) + ":" + n)
	}
	return uuid.NewUUIDWithSource(b.String())
}

// token returns s as an OSCAL token. One that had to be changed ends in a
// part of its digest, so that two different texts stay different.
func token(s string) string {
	if isToken(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !inToken(r) {
			r = '_'
		}
		b.WriteRune(r)
	}
	d := evidence.Sum([]byte(s))
	return "x-" + b.String() + "-" + hex.EncodeToString(d[:4])
}

// isToken reports whether s is a token. OSCAL lets it have letters of any
// script; ours have those of ASCII.
func isToken(s string) bool {
	if s == "" || s[0] == '-' || s[0] == '.' || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return !inToken(r) })
}

func inToken(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-'
}

// controlID names a control. The number of a clause is no token.
func controlID(id string) string {
	if id != "" && '0' <= id[0] && id[0] <= '9' {
		id = "cl-" + id
	}
	return token(id)
}

func groupID(area string) string              { return token("area-" + area) }
func statementID(control string) string       { return controlID(control) + "_smt" }
func objectiveID(control, slug string) string { return controlID(control) + "_obj." + part(slug) }
func methodID(control, slug string) string    { return controlID(control) + "_asm." + part(slug) }

// part is what follows a token to make another.
func part(slug string) string { return strings.TrimPrefix(token("_"+slug), "_") }
