package gather

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/people"
)

// waiverPayload is what the workbook shows of a waiver.record.
type waiverPayload struct {
	ID              string           `json:"waiver_id"`
	Expectation     string           `json:"expectation_slug"`
	Subject         evidence.Subject `json:"subject"`
	Reason          string           `json:"reason"`
	Compensating    string           `json:"compensating_controls"`
	RequestedBy     string           `json:"requested_by"`
	RequestedAt     time.Time        `json:"requested_at"`
	ApprovedBy      string           `json:"approved_by"`
	ApprovedAt      time.Time        `json:"approved_at"`
	ExpiresAt       time.Time        `json:"expires_at"`
	RejectedBy      string           `json:"rejected_by"`
	RejectedAt      time.Time        `json:"rejected_at"`
	RejectedBecause string           `json:"rejected_because"`
	RevokedBy       string           `json:"revoked_by"`
	RevokedAt       time.Time        `json:"revoked_at"`
	RevokedBecause  string           `json:"revoked_because"`
}

// waivers returns what was asked for, accepted, rejected or revoked, as it
// stood at the instant. A record that cannot be read is one that says so.
func (g *gatherer) waivers(ctx context.Context) ([]export.Waiver, error) {
	list, err := g.inForce(ctx, "waiver.record")
	if err != nil {
		return nil, err
	}
	held, err := g.holdings(ctx)
	if err != nil {
		return nil, err
	}
	var out []export.Waiver
	for _, ev := range list {
		g.used[ev.Digest] = true
		var p waiverPayload
		if err := decode(ev, &p); err != nil {
			out = append(out, export.Waiver{ID: ev.Key, Evidence: ev.Digest, Broken: broken(err)})
			continue
		}
		w := export.Waiver{ID: p.ID, Expectation: p.Expectation, Subject: strings.TrimSpace(p.Subject.Type + " " + p.Subject.ID),
			Reason: p.Reason, Compensating: p.Compensating, RequestedBy: p.RequestedBy, RequestedAt: p.RequestedAt,
			ApprovedBy: p.ApprovedBy, ApprovedAt: p.ApprovedAt, ExpiresAt: p.ExpiresAt, RejectedBy: p.RejectedBy, RejectedAt: p.RejectedAt,
			RevokedBy: p.RevokedBy, RevokedAt: p.RevokedAt, Because: p.RejectedBecause, Evidence: ev.Digest}
		if !p.RevokedAt.IsZero() {
			w.Because = p.RevokedBecause
		}
		w.SelfApproved = p.ApprovedBy != "" && held.same(p.ApprovedBy, p.RequestedBy)
		w.ApproverRole = strings.Join(held.roles(p.ApprovedBy, p.ApprovedAt), ", ")
		out = append(out, w)
	}
	return out, nil
}

// holding is that a person has a role for a time.
type holding struct {
	person, role string
	from, to     time.Time
}

// holdings know who held which role when, and by which names people go.
type holdings struct {
	list  []holding
	names [][]string // of each person, the id first
}

func (g *gatherer) holdings(ctx context.Context) (*holdings, error) {
	var h holdings
	named, err := g.inForce(ctx, "directory.names")
	if err != nil {
		return nil, err
	}
	for _, ev := range named {
		var p struct {
			Person string   `json:"person"`
			Names  []string `json:"names"`
		}
		if decode(ev, &p) == nil { // one that cannot be read names nobody; the sheet of people says so
			h.names = append(h.names, append([]string{p.Person}, p.Names...))
		}
	}
	assigned, err := g.inForce(ctx, "role.assignment")
	if err != nil {
		return nil, err
	}
	for _, ev := range assigned {
		var p struct {
			Person string    `json:"person"`
			Role   string    `json:"role"`
			From   time.Time `json:"start"`
			To     time.Time `json:"end"`
		}
		if decode(ev, &p) == nil {
			h.list = append(h.list, holding{p.Person, p.Role, p.From, p.To})
		}
	}
	return &h, nil
}

// same reports whether two names are those of one person. Names that several
// people have tell nobody apart.
func (h *holdings) same(a, b string) bool {
	return people.Same(h.id(a), h.id(b))
}

// id is the id of the person whom a name stands for, or the name.
func (h *holdings) id(name string) string {
	id := ""
	for _, n := range h.names {
		switch {
		case people.Same(n[0], name):
			return n[0]
		case !slices.ContainsFunc(n[1:], func(s string) bool { return people.Same(s, name) }):
		case id != "" && !people.Same(id, n[0]):
			return name
		default:
			id = n[0]
		}
	}
	if id == "" {
		return name
	}
	return id
}

// roles are those that a person held at an instant, sorted.
func (h *holdings) roles(person string, at time.Time) []string {
	var out []string
	for _, x := range h.list {
		if person != "" && h.same(person, x.person) && !x.from.After(at) && (x.to.IsZero() || x.to.After(at)) && !slices.Contains(out, x.role) {
			out = append(out, x.role)
		}
	}
	slices.Sort(out)
	return out
}
