package service

import (
	"context"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// FindCase returns the case of shadow AI with an id, or with the only id that
// begins so.
func FindCase(res shadow.Result, id string) (shadow.Case, error) {
	var ids []string
	var found []shadow.Case
	for _, c := range res.Cases {
		if c.ID == id {
			return c, nil
		}
		ids = append(ids, c.ID)
		if id != "" && strings.HasPrefix(strings.ToLower(c.ID), strings.ToLower(id)) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return shadow.Case{}, notFound(id, ids, "exhibit shadow list shows them", "there is no case %q", id)
	case 1:
		return found[0], nil
	}
	return shadow.Case{}, mistake("name one in full", "%d cases begin with %q", len(found), id)
}

// DecideCase puts on record what the person decided on a case: decision,
// reason and, where they belong, system and deadlines. It returns the case as
// it stands then.
func (d *Desk) DecideCase(ctx context.Context, id string, made people.CaseDecision, t people.Deadlines) (people.CaseDecision, shadow.Case, error) {
	res, err := agent.ReconcileShadow(ctx, d.s.store, d.Now)
	if err != nil {
		return made, shadow.Case{}, err
	}
	c, err := FindCase(res, id)
	if err != nil {
		return made, c, err
	}
	if c.Status == shadow.Gone {
		return made, c, mistake("should it come back, it opens again", "case %s is gone: nothing is left to decide", c.ID)
	}
	if made.System != "" && !slices.Contains(res.Systems, made.System) {
		hint := "write its entry (exhibit shadow draft " + c.ID + "), then exhibit collect register"
		if near := yamlfile.Nearest(made.System, res.Systems); near != "" {
			hint = "did you mean " + near + "?"
		}
		return made, c, mistake(hint, "%q is no registered system that is in use", made.System)
	}
	made.Case, made.Title = c.ID, c.Title
	made.Content, made.Items = c.DecidedOn(made.Decision)
	all, err := EverOnRecord(ctx, d.s.store, people.KindCaseDecision, people.ParseCaseDecision,
		func(id string) people.CaseDecision { return people.CaseDecision{ID: id} })
	if err != nil {
		return made, c, err
	}
	made, rec, err := d.Policy.DecideCase(d.Who, made, t, all, d.Now)
	if err != nil {
		return made, c, err
	}
	if err := d.byCommand(ctx, rec); err != nil {
		return made, c, err
	}
	c, err = d.decided(ctx, made)
	return made, c, err
}

// ApproveCase approves what somebody else decided. id is that of the decision,
// or of the case that it waits for.
func (d *Desk) ApproveCase(ctx context.Context, id string) (people.CaseDecision, shadow.Case, error) {
	all, err := OnRecord(ctx, d.s.store, people.KindCaseDecision, people.ParseCaseDecision)
	if err != nil {
		return people.CaseDecision{}, shadow.Case{}, err
	}
	var found *people.CaseDecision
	var ids []string
	for i := range all {
		ids = append(ids, all[i].ID)
		if all[i].ID == id || all[i].Case == id && all[i].NeedsSecond() && all[i].ApprovedBy == "" {
			found = &all[i]
		}
	}
	if found == nil {
		return people.CaseDecision{}, shadow.Case{}, notFound(id, ids, "exhibit shadow list shows what waits", "there is no decision %q", id)
	}
	made, rec, err := d.Policy.ApproveCase(d.Who, *found, d.Now)
	if err != nil {
		return made, shadow.Case{}, d.onCase(err, made)
	}
	if err := d.byCommand(ctx, rec); err != nil {
		return made, shadow.Case{}, err
	}
	c, err := d.decided(ctx, made)
	return made, c, err
}

// decided brings the cases on record up to what was decided.
func (d *Desk) decided(ctx context.Context, made people.CaseDecision) (shadow.Case, error) {
	if d.s.Reconcile != nil {
		if err := d.s.Reconcile(ctx); err != nil {
			return shadow.Case{}, err
		}
	}
	res, err := agent.ReconcileShadow(ctx, d.s.store, d.s.clock().UTC())
	if err != nil {
		return shadow.Case{}, err
	}
	return FindCase(res, made.Case)
}

// CaseDecisions are those on record now.
func (s *Service) CaseDecisions(ctx context.Context) ([]people.CaseDecision, error) {
	return OnRecord(ctx, s.store, people.KindCaseDecision, people.ParseCaseDecision)
}

// DraftEntry is an entry for the register, with what was seen of a case filled in.
func (s *Service) DraftEntry(c shadow.Case) (string, error) {
	vendors := map[string]string{}
	if path := s.Config().Register; path != "" {
		reg, err := register.Load(path, register.Known{})
		if err != nil {
			return "", err
		}
		for _, v := range reg.Vendors {
			vendors[v.ID] = v.Name
		}
	}
	signs, err := aisign.Load()
	if err != nil {
		return "", err
	}
	return shadow.Draft(c, vendors, signs), nil
}
