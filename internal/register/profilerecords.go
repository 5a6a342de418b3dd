package register

import (
	"maps"
	"slices"
	"time"
)

// notAddressed begins the decision that a requirement is knowingly not met.
const notAddressed = "not addressed: "

// profile makes the records of the sections that are there.
func (b *builder) profile(r *Register) {
	if r.Scope != nil {
		b.scope(*r.Scope, r.Organization.Headcount)
	}
	if r.Parties != nil {
		b.parties(*r.Parties)
	}
	if r.Context != nil {
		b.context(*r.Context)
	}
	for _, o := range r.Objectives {
		b.objective(o)
	}
}

// scope leaves out an approval that was given to another content. How many
// people there are changes from week to week and is no part of what is approved.
func (b *builder) scope(s Scope, people map[string]int) {
	type count struct {
		Role   string `json:"role"`
		People int    `json:"people"`
	}
	payload := s.content()
	if len(people) > 0 {
		counts := []count{}
		for _, role := range slices.Sorted(maps.Keys(people)) {
			counts = append(counts, count{role, people[role]})
		}
		payload["headcount"] = counts
	}
	digest, err := s.ContentDigest()
	if err != nil && b.err == nil {
		b.err = err
	}
	payload["content_sha256"] = digest.String()
	var approvedAt time.Time
	if s.IsApproved() {
		approvedAt = s.ApprovedAt
		payload["approved_by"], payload["approved_at"] = s.ApprovedBy, approvedAt
	}
	b.add(kindScope, "organization", organizationID, "scope", approvedAt, payload)
}

func (b *builder) parties(p Parties) {
	type need struct {
		Requirement string   `json:"requirement"`
		AddressedBy []string `json:"addressed_by"`
		Decision    string   `json:"decision,omitempty"`
	}
	type party struct {
		Name         string   `json:"name"`
		Group        string   `json:"group,omitempty"`
		Requirements []string `json:"requirements"`
		Needs        []need   `json:"needs"`
	}
	parties := []party{}
	for _, one := range p.List {
		out := party{Name: one.Name, Group: one.Group, Requirements: []string{}, Needs: []need{}}
		for _, n := range one.Requirements {
			out.Requirements = append(out.Requirements, n.Requirement)
			answer := need{Requirement: n.Requirement, AddressedBy: list(n.AddressedBy)}
			if n.NotAddressed != "" {
				answer.Decision = notAddressed + n.NotAddressed
			}
			out.Needs = append(out.Needs, answer)
		}
		parties = append(parties, out)
	}
	b.add(kindParties, "organization", organizationID, "parties", p.ApprovedAt, map[string]any{
		"parties": parties, "approved_by": p.ApprovedBy, "approved_at": p.ApprovedAt,
	})
}

func (b *builder) context(c Context) {
	type issue struct {
		ID    string `json:"id,omitempty"`
		Type  string `json:"type"`
		Text  string `json:"text"`
		Owner string `json:"owner,omitempty"`
	}
	issues := []issue{}
	for _, i := range c.Issues {
		issues = append(issues, issue(i))
	}
	b.add(kindContext, "organization", organizationID, "context", c.ApprovedAt, map[string]any{
		"issues": issues, "ai_roles": list(c.AIRoles), "climate_relevance": c.Climate, "approved_by": c.ApprovedBy, "approved_at": c.ApprovedAt,
	})
}

func (b *builder) objective(o Objective) {
	key, payload := o.ID, map[string]any{
		"objective_id": o.ID, "version": o.Version, "metric": o.Metric, "target": o.Target, "owner": o.Owner, "due": o.Due,
		"plan": o.Plan, "resources": o.Resources, "evaluation": o.Evaluation, "frequency": o.Frequency, "evaluator": o.Evaluator,
		"level": o.Level, "area": o.Area, "approved_by": o.ApprovedBy, "approved_at": o.ApprovedAt,
	}
	if o.Version != "" {
		key += "|" + o.Version
	}
	if len(o.Systems) > 0 {
		payload["system_ids"] = o.Systems
	}
	b.add(kindObjectives, "organization", organizationID, key, o.ApprovedAt, payload)
}
