package people

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Source is the name of the built-in source of records that people make.
const Source = "people"

// Kinds of the records.
const (
	KindWaiver    = "waiver.record"
	KindStatement = "soa.record"
	KindUpload    = "evidence.manual_upload"
	KindFile      = "evidence.file"

	KindAttestation = "inventory.attestation"
)

// Person is who acts: a person of the register, and the account of the machine
// that the command ran under, which the person cannot choose.
type Person struct {
	ID      string
	Account string // user@host, or oidc:issuer#subject of a login
	Active  bool
	Roles   []string
}

// Act is something that needs a second person.
type Act string

// The acts that somebody approves.
const (
	ActWaiver        Act = "waiver"
	ActApplicability Act = "applicability"
	ActReview        Act = "review"
)

// Policy is what the configuration says about people.
type Policy struct {
	// Approvers names the roles that may approve, by act. Where none is named,
	// any role of the register will do, and for a review no role is needed.
	Approvers map[Act][]string
	// SharedAccount allows the two people to use one account of the machine, as
	// where everybody works on one host under one name. It excuses no login: that
	// is one person's.
	SharedAccount bool
	MaxWaiver     time.Duration // from approval; 0 means 365 days
	// Directory says whom a name stands for.
	Directory Directory
}

// DefaultMaxWaiver is the longest that a waiver may last: it must be decided
// anew at least once a year.
const DefaultMaxWaiver = 365 * 24 * time.Hour

func (p Policy) maxWaiver() time.Duration {
	if p.MaxWaiver > 0 {
		return min(p.MaxWaiver, DefaultMaxWaiver)
	}
	return DefaultMaxWaiver
}

// Refusal says why something may not be done, and what would be in order.
type Refusal struct {
	Why    string
	Remedy string
	Unfit  bool // what was asked for is wrong by itself, whatever is on record
}

func (r *Refusal) Error() string { return r.Why }

// Hint returns the remedy.
func (r *Refusal) Hint() string { return r.Remedy }

func refuse(remedy, format string, args ...any) error {
	return &Refusal{Why: fmt.Sprintf(format, args...), Remedy: remedy}
}

// unfit refuses what nobody could put on record.
func unfit(remedy, format string, args ...any) error {
	return &Refusal{Why: fmt.Sprintf(format, args...), Remedy: remedy, Unfit: true}
}

// holdsRole refuses who holds no role that decides on an act.
func (p Policy) holdsRole(who Person, act Act) error {
	roles := p.Approvers[act]
	switch {
	case len(roles) == 0 && act == ActReview:
	case len(roles) == 0 && len(who.Roles) == 0:
		return refuse("somebody with a role in the register has to decide; people.approvers in the configuration names which",
			"%s holds no role that allows to decide on this", who.ID)
	case len(roles) > 0 && !slices.ContainsFunc(who.Roles, func(r string) bool { return slices.Contains(roles, r) }):
		return refuse("ask somebody who holds one of these roles, or change people.approvers in the configuration",
			"%s holds none of the roles that decide on this: %s", who.ID, strings.Join(roles, ", "))
	}
	return nil
}

// active refuses who has left.
func active(who Person) error {
	if !who.Active {
		return refuse("an active person of the register has to do it", "%s is not active", who.ID)
	}
	return nil
}

// Identity is how a run names who made its records: the person, and the account.
func Identity(id, account string) string { return strings.TrimSpace(id + " (" + account + ")") }

// remote begins an account that an OpenID provider proved.
const remote = "oidc:"

// ofMachine reports whether an account is one of a machine, user@host, which
// several people may have to share. A login is one person's.
func ofMachine(account string) bool { return !strings.HasPrefix(account, remote) }

// SplitIdentity takes an Identity apart. What has no account has none.
func SplitIdentity(s string) (id, account string) {
	if i := strings.LastIndex(s, "("); i >= 0 && strings.HasSuffix(s, ")") && (strings.Contains(s[i:], "@") || !ofMachine(s[i+1:])) {
		return strings.TrimSpace(s[:i]), s[i+1 : len(s)-1]
	}
	return s, ""
}

// blank reports whether a text says nothing: no letter, digit or sign that can
// be seen.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.In(r, unicode.Mn, unicode.Cf)
	})
}
