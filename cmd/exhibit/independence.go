package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// conflicts is what the register and the ledger say against the independence of
// an auditor: a part in what is audited. Of somebody whom the register does not
// know nothing is found.
func conflicts(ctx context.Context, d *desk, auditor string) ([]string, error) {
	out := []string{}
	if d.cfg.Register == "" {
		return out, nil
	}
	reg, err := d.g.loadRegister()
	if err != nil {
		return nil, err
	}
	names := []string{auditor}
	if first, _, ok := strings.Cut(auditor, ","); ok {
		names = append(names, first) // "Jane Doe, Example Audits"
	}
	i := slices.IndexFunc(reg.People, func(p register.Person) bool {
		own := append([]string{p.ID, p.Name, p.Email}, p.Names...)
		return slices.ContainsFunc(own, func(o string) bool {
			return o != "" && slices.ContainsFunc(names, func(n string) bool { return people.Same(o, n) })
		})
	})
	if i < 0 {
		return out, nil
	}
	who := reg.People[i]
	for _, r := range who.Roles {
		if !strings.Contains(strings.ToLower(r.Role), "audit") && (r.Until.IsZero() || r.Until.After(d.Now)) {
			out = append(out, "holds the role "+r.Role)
		}
	}
	for _, s := range reg.Systems {
		if s.Owner == who.ID {
			out = append(out, "owns the AI system "+s.ID)
		}
		if s.Deputy == who.ID {
			out = append(out, "is deputy of the AI system "+s.ID)
		}
	}
	for _, v := range reg.Vendors {
		if v.Owner == who.ID {
			out = append(out, "owns the vendor "+v.ID)
		}
	}
	approved, err := approvals(ctx, d, who.ID)
	if err != nil {
		return nil, err
	}
	handed, err := handedIn(ctx, d, who)
	return append(append(out, approved...), handed...), err
}

// handedIn is what somebody handed in or imported.
func handedIn(ctx context.Context, d *desk, who register.Person) ([]string, error) {
	pile, err := d.svc.Pile(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, h := range pile {
		brought, _ := people.SplitIdentity(h.ImportedBy)
		if people.Same(h.By, who.ID) || people.Same(brought, who.ID) {
			ids = append(ids, h.ID)
		}
	}
	switch len(ids) {
	case 0:
		return nil, nil
	case 1:
		return []string{"handed in " + ids[0]}, nil
	}
	return []string{fmt.Sprintf("handed in %s and %d more", ids[0], len(ids)-1)}, nil
}

// approvals is what somebody asked for or approved.
func approvals(ctx context.Context, d *desk, id string) ([]string, error) {
	var out []string
	waivers, err := service.OnRecord(ctx, d.store, people.KindWaiver, people.ParseWaiver)
	if err != nil {
		return nil, err
	}
	for _, w := range waivers {
		if w.ApprovedBy != "" && people.Same(w.ApprovedBy, id) {
			out = append(out, fmt.Sprintf("approved the waiver %s", w.ID))
		} else if people.Same(w.RequestedBy, id) {
			out = append(out, fmt.Sprintf("asked for the waiver %s", w.ID))
		}
	}
	statements, err := service.OnRecord(ctx, d.store, people.KindStatement, people.ParseStatement)
	if err != nil {
		return nil, err
	}
	for _, s := range statements {
		if s.ApprovedBy != "" && people.Same(s.ApprovedBy, id) {
			out = append(out, fmt.Sprintf("approved the statement of applicability %s", s.Version))
		} else if people.Same(s.ProposedBy, id) {
			out = append(out, fmt.Sprintf("proposed the statement of applicability %s", s.Version))
		}
	}
	return out, nil
}
