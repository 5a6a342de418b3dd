package access

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/register"
)

// Grants says which roles a login has, and which person it is. It is what the
// configuration says under server.
type Grants struct {
	Roles map[Role]Grant
	// People names the person of the register by the account's subject, or by its
	// e-mail address where the key holds an @.
	People map[string]string
}

// Grant says who holds a role.
type Grant struct {
	Everyone bool     // whoever can log in
	Groups   []string // of the provider
	Emails   []string // addresses that the provider vouches for
	People   []string // ids of the register
}

// Identity is what the provider says of an account.
type Identity struct {
	Issuer  string
	Subject string
	Name    string
	Email   string // only one that the provider vouches for; else empty
	Groups  []string
}

// Account is the account of a principal with this identity.
func (i Identity) Account() string { return OIDCAccount(i.Issuer, i.Subject) }

// RolesOf lists the roles of an identity that belongs to a person, or to none
// if that is empty.
func (g Grants) RolesOf(i Identity, person string) []Role {
	var out []Role
	for _, info := range Roles() {
		if gr, ok := g.Roles[info.Role]; ok && gr.covers(i, person) {
			out = append(out, info.Role)
		}
	}
	return out
}

func (g Grant) covers(i Identity, person string) bool {
	if g.Everyone {
		return true
	}
	if slices.ContainsFunc(i.Groups, func(s string) bool { return slices.Contains(g.Groups, s) }) {
		return true
	}
	if i.Email != "" && slices.ContainsFunc(g.Emails, func(s string) bool { return sameAddress(s, i.Email) }) {
		return true
	}
	return person != "" && slices.Contains(g.People, person)
}

// PersonOf is the person of the register that an identity is: the one named
// under People, else the only one with its e-mail address. Nobody is the answer
// where two have that address.
func (g Grants) PersonOf(i Identity, reg *register.Register) (string, error) {
	if person, ok := g.People[i.Subject]; ok && !strings.Contains(i.Subject, "@") {
		return person, nil
	}
	for key, person := range g.People {
		if strings.Contains(key, "@") && i.Email != "" && sameAddress(key, i.Email) {
			return person, nil
		}
	}
	if i.Email == "" || reg == nil {
		return "", nil
	}
	found := ""
	for _, p := range reg.People {
		if p.Email == "" || !sameAddress(p.Email, i.Email) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%s and %s have the same e-mail address in the register: name the account under server.oidc.people", found, p.ID)
		}
		found = p.ID
	}
	return found, nil
}

// sameAddress compares e-mail addresses without regard to the case of ASCII
// letters. Letters that only look alike, or fold into ASCII, stay different.
func sameAddress(a, b string) bool { return lowerASCII(a) == lowerASCII(b) }

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimSpace(s))
}

// escapeSubject writes a subject so that an account is one word: what a
// provider sends must not look like something else in a record of people.
func escapeSubject(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// subjectOf is the subject in an account that OIDCAccount made.
func subjectOf(account string) (issuer, subject string, ok bool) {
	rest, ok := strings.CutPrefix(account, "oidc:")
	if !ok {
		return "", "", false
	}
	i := strings.LastIndex(rest, "#")
	if i < 0 {
		return "", "", false
	}
	subject, err := url.QueryUnescape(rest[i+1:])
	return rest[:i], subject, err == nil
}
