package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// Via is how a principal was proved.
type Via string

// The ways in.
const (
	ViaOIDC  Via = "oidc"  // a login at the OpenID provider
	ViaToken Via = "token" // an API token
	ViaLocal Via = "local" // the account of the operating system that the daemon runs under
)

// localPrefix begins the account of a principal of this machine.
const localPrefix = "local:"

// LocalAccount is the account of a principal from that of the operating system,
// user@host.
func LocalAccount(userAtHost string) string { return localPrefix + userAtHost }

// OIDCAccount is the account of a principal from issuer and subject.
func OIDCAccount(issuer, subject string) string {
	return "oidc:" + issuer + "#" + escapeSubject(subject)
}

// Principal is who acts. Its zero value may do nothing.
type Principal struct {
	// Account is what was proved: oidc:<issuer>#<subject> or local:<user@host>.
	// A token acts under the account of whoever made it, so that nobody is two
	// people by making one.
	Account string
	Name    string // as people read it: a name, an e-mail address, the name of a token
	Person  string // id in the register; empty if the account belongs to nobody there
	Roles   []Role
	Via     Via

	Token   string       // id of the API token, if it is one
	Scope   []Permission // of a token: what it is limited to
	Sources []string     // of a token: the sources that it may push records to; empty: none
	Expires time.Time    // of the session or token
}

// May reports whether the principal is allowed p.
func (p Principal) May(perm Permission) bool {
	if p.Account == "" {
		return false
	}
	if p.Via == ViaToken && !slices.Contains(p.Scope, perm) {
		return false
	}
	return slices.ContainsFunc(p.Roles, func(r Role) bool { return r.Allows(perm) })
}

// MayIngest reports whether the principal may push records as a source. A token
// names the sources it may speak for.
func (p Principal) MayIngest(source string) bool {
	return p.May(Ingest) && (p.Via != ViaToken || slices.Contains(p.Sources, source))
}

// Asker names who asks where what is asked is bounded: the account, and the token
// if it is one. The tokens of a machine have one account, and none of them uses
// up what the others may ask.
func (p Principal) Asker() string { return p.Account + "\x00" + p.Token }

// Has reports whether the principal holds a role.
func (p Principal) Has(r Role) bool { return slices.Contains(p.Roles, r) }

// ActingAccount is the account as records of people name it. That of this
// machine is written as the command line writes it: user@host is one account,
// whichever way it comes in.
func (p Principal) ActingAccount() string { return strings.TrimPrefix(p.Account, localPrefix) }

// PersonOf is the person of the register who acts, with the account that counts
// for the rule of the second person. The error says what is missing.
func (p Principal) PersonOf(reg *register.Register, now time.Time) (people.Person, error) {
	if p.Account == "" {
		return people.Person{}, ErrUnauthenticated
	}
	if p.Person == "" {
		return people.Person{}, &people.Refusal{Why: fmt.Sprintf("%s belongs to no person of the register", p.label()),
			Remedy: p.remedy()}
	}
	if reg == nil {
		return people.Person{}, &people.Refusal{Why: "there is no register, so nobody can act", Remedy: "register: in exhibit.yaml names it"}
	}
	who, ok := reg.Person(p.Person)
	if !ok {
		return people.Person{}, &people.Refusal{Why: fmt.Sprintf("%q is no person of the register", p.Person), Remedy: p.remedy()}
	}
	return personOf(reg, who, p.ActingAccount(), now), nil
}

func (p Principal) label() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Account
}

func (p Principal) remedy() string {
	if p.Via == ViaLocal {
		return "choose the person of the register who acts"
	}
	return "give the person this e-mail address in the register, or name the account under server.oidc.people"
}

func personOf(reg *register.Register, p register.Person, account string, now time.Time) people.Person {
	who := people.Person{ID: p.ID, Account: account, Active: p.IsActive()}
	for _, r := range p.Roles {
		if !r.Since.After(now) && (r.Until.IsZero() || r.Until.After(now)) {
			who.Roles = append(who.Roles, r.Role)
		}
	}
	if slices.ContainsFunc(reg.Systems, func(s register.System) bool { return s.Owner == p.ID }) {
		who.Roles = append(who.Roles, register.RoleOwner)
	}
	return who
}

type principalKey struct{}

// WithPrincipal returns a context in which p acts.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns who acts in ctx; without anybody, the zero Principal and false.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok && p.Account != ""
}
