package evaluate

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Owners says whom the register makes responsible, as of what was last read,
// and how waivers ended.
type Owners struct {
	systems, vendors map[string]string
	holder           string            // of the role that answers for the rest
	ended            map[string]string // by waiver
	left             map[string]bool   // people whom a directory calls inactive
}

// Span is the part of a ledger that is looked at: positions below Before (0:
// all), at an instant.
type Span struct {
	Before int64
	AsOf   time.Time
}

// declared is what findings need of the records that people own.
type declared struct {
	Owner   string    `json:"owner"`
	Role    string    `json:"role"`
	Person  string    `json:"person"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Active  *bool     `json:"directory_active"`
	Waiver  string    `json:"waiver_id"`
	Expires time.Time `json:"expires_at"`
	Revoked time.Time `json:"revoked_at"`
}

// holds reports whether an assignment of a role is in force.
func (d declared) holds(now time.Time) bool {
	return d.Person != "" && !d.Start.After(now) && (d.End.IsZero() || d.End.After(now)) && (d.Active == nil || *d.Active)
}

// wentBy says how a waiver came to cover nothing any more.
func (d declared) wentBy(now time.Time) string {
	switch {
	case !d.Revoked.IsZero() && !d.Revoked.After(now):
		return "was revoked"
	case d.Expires.Before(now):
		return "lapsed"
	}
	return "does not cover it any more"
}

// ReadOwners takes from the evidence what the register declares: it is the
// same wherever the ledger is read. role is the one that answers for the rest.
func ReadOwners(ctx context.Context, src Source, role string, in Span) (Owners, error) {
	o := Owners{systems: map[string]string{}, vendors: map[string]string{}, ended: map[string]string{}, left: map[string]bool{}}
	var held time.Time
	list, err := inForce(ctx, src, in)
	if err != nil {
		return o, err
	}
	for _, ev := range list {
		var p declared
		if json.Unmarshal(ev.Payload, &p) != nil {
			continue // it breaks its kind's schema and says nothing about owners
		}
		switch ev.Kind {
		case "inventory.ai_system":
			o.systems[ev.Subject.ID] = p.Owner
		case "vendor.record":
			o.vendors[ev.Subject.ID] = p.Owner
		case "waiver.record":
			o.ended[p.Waiver] = p.wentBy(in.AsOf)
		case "role.assignment":
			if p.Active != nil && !*p.Active {
				o.left[p.Person] = true
			}
			newer := cmp.Or(p.Start.Compare(held), strings.Compare(o.holder, p.Person)) > 0
			if sameRole(p.Role, role) && p.holds(in.AsOf) && (o.holder == "" || newer) {
				o.holder, held = p.Person, p.Start
			}
		}
	}
	return o, nil
}

// inForce returns, in ledger order, the newest revision of what people declare
// that was read by the instant and was there.
func inForce(ctx context.Context, src Source, in Span) ([]evidence.Evidence, error) {
	type name struct{ source, kind, key string }
	newest := map[name]int64{}
	var list []evidence.Evidence
	q := store.EvidenceQuery{Kinds: []string{"inventory.ai_system", "vendor.record", "role.assignment", "waiver.record"},
		Before: in.Before, Payloads: true}
	for ev, err := range src.Evidence(ctx, q) {
		if err != nil {
			return nil, err
		}
		if !ev.CollectedAt.After(in.AsOf) {
			newest[name{ev.Source, ev.Kind, ev.Key}] = ev.Seq
			list = append(list, ev)
		}
	}
	return slices.DeleteFunc(list, func(ev evidence.Evidence) bool {
		gone := !ev.GoneAt.IsZero() && !ev.GoneAt.After(in.AsOf)
		return newest[name{ev.Source, ev.Kind, ev.Key}] != ev.Seq || ev.Payload == nil || gone
	}), nil
}

// sameRole compares the names of roles, however their words are joined.
func sameRole(a, b string) bool {
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(s)) }
	return b != "" && plain(a) == plain(b)
}

// Of names who has to act on a result, and how that is known: whom the result
// names, else the owner of the vendor or of a system concerned, else who holds
// the role. What the result names without either owning it comes from the
// expectation.
func (o Owners) Of(r *assess.Result) (person, from string) {
	systems := r.Systems
	if r.Subject.Type == "ai_system" {
		systems = append(slices.Clone(systems), r.Subject.ID)
	}
	owned := func(want string) (string, string) {
		if who := o.vendors[r.Subject.ID]; r.Subject.Type == "vendor" && who != "" && (want == "" || want == who) {
			return who, "vendor"
		}
		for _, id := range systems {
			if who := o.systems[id]; who != "" && (want == "" || want == who) {
				return who, "system"
			}
		}
		return want, "expectation"
	}
	switch who, from := owned(r.Owner); {
	case who != "":
		return who, from
	case o.holder != "":
		return o.holder, "role"
	}
	return "", ""
}

// Policy is what the ledger says about findings, with the times that a
// shortfall may stay open. A person whom no directory calls inactive is taken
// to be there.
func (o Owners) Policy(due map[string]time.Duration) finding.Policy {
	return finding.Policy{Due: due, Owner: o.Of,
		Active: func(person string) bool { return !o.left[person] },
		Ended:  func(waiver string) string { return cmp.Or(o.ended[waiver], "is not on record any more") }}
}

var _ Source = (store.Store)(nil)
