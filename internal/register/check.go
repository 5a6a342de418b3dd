package register

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// maxWaiver is the longest that a waiver may last: it must be decided anew at
// least once a year.
const maxWaiver = 365 * 24 * time.Hour

var (
	idPattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$`)
	slugPattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	repoPattern    = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$`)
	projectPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
)

// checker finds what is wrong with a register beyond its form.
type checker struct {
	f       *yamlfile.File
	r       *Register
	known   Known
	people  map[string]bool
	vendors map[string]bool
	systems map[string]bool
}

func newChecker(f *yamlfile.File, r *Register, known Known) *checker {
	c := &checker{f: f, r: r, known: known, people: map[string]bool{}, vendors: map[string]bool{}, systems: map[string]bool{}}
	for _, p := range r.People {
		c.people[p.ID] = true
	}
	for _, v := range r.Vendors {
		c.vendors[v.ID] = true
	}
	for _, s := range r.Systems {
		c.systems[s.ID] = true
	}
	return c
}

func (c *checker) all() {
	at := yamlfile.At
	c.id(at("organization", "id"), c.r.Organization.ID)
	for i, role := range c.r.Organization.Roles {
		c.oneOf(at("organization", "roles", i), "AI role", role, AIRoles)
	}
	seen := map[string]map[string]bool{}
	for _, list := range []string{"people", "systems", "vendors", "waivers"} {
		seen[list] = map[string]bool{}
	}
	for i, p := range c.r.People {
		c.unique(at("people", i, "id"), seen["people"], p.ID)
		c.person(at("people", i), p)
	}
	for i, s := range c.r.Systems {
		c.unique(at("systems", i, "id"), seen["systems"], s.ID)
		c.system(at("systems", i), s)
	}
	for i, v := range c.r.Vendors {
		c.unique(at("vendors", i, "id"), seen["vendors"], v.ID)
		c.oneOf(at("vendors", i, "criticality"), "criticality", v.Criticality, Criticalities)
		c.personRef(at("vendors", i, "owner"), v.Owner)
		c.past(at("vendors", i, "updated_at"), v.UpdatedAt)
		c.personRef(at("vendors", i, "decided_by"), v.DecidedBy)
		c.past(at("vendors", i, "decided_at"), v.DecidedAt)
	}
	for i, w := range c.r.Waivers {
		c.unique(at("waivers", i, "id"), seen["waivers"], w.ID)
		c.waiver(at("waivers", i), w)
	}
	if c.r.Applicability != nil {
		c.applicability(at("applicability"), *c.r.Applicability)
	}
	c.profile()
}

func (c *checker) person(at yamlfile.Path, p Person) {
	if p.Email != "" {
		if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email {
			c.f.Problemf(at.Then("email"), "%q is not an e-mail address", p.Email)
		}
	}
	c.past(at.Then("checked_at"), p.CheckedAt)
	held := map[string]bool{}
	for i, r := range p.Roles {
		key := r.Role + "|" + r.Since.String()
		if held[key] {
			c.f.Problemf(at.Then("roles", i), "%s holds the role %q twice from the same day", p.ID, r.Role)
		}
		held[key] = true
		if !r.Until.IsZero() && r.Until.Before(r.Since) {
			c.f.Problemf(at.Then("roles", i, "until"), "is before since")
		}
	}
}

func (c *checker) system(at yamlfile.Path, s System) {
	c.personRef(at.Then("owner"), s.Owner)
	c.personRef(at.Then("deputy"), s.Deputy)
	if s.Deputy != "" && s.Deputy == s.Owner {
		c.f.Problemf(at.Then("deputy"), "owner and deputy are the same person").Hint("name somebody who can act when %s cannot", s.Owner)
	}
	c.oneOf(at.Then("tier"), "tier", s.Tier, Tiers)
	c.oneOf(at.Then("ai_role"), "AI role", s.AIRole, AIRoles)
	c.oneOf(at.Then("stage"), "stage", s.Stage, Stages)
	c.past(at.Then("reviewed_at"), s.ReviewedAt)
	c.personRef(at.Then("reviewed_by"), s.ReviewedBy)
	c.past(at.Then("tier_changed_at"), s.TierChangedAt)
	if !s.GoLive.IsZero() && !s.RetiredAt.IsZero() && s.RetiredAt.Before(s.GoLive) {
		c.f.Problemf(at.Then("retired_at"), "is before go_live")
	}
	for i, v := range s.Vendors {
		if !c.vendors[v] {
			c.unknown(at.Then("vendors", i), "vendor", v, c.vendors)
		}
	}
	seen := map[string]bool{}
	for i, r := range s.Repositories {
		here := at.Then("repositories", i)
		if r.Name != "" && !repoPattern.MatchString(r.Name) {
			c.f.Problemf(here.Then("name"), "%q is not the name of a repository", r.Name).Hint("write owner/name")
		}
		if seen[strings.ToLower(r.Name)] {
			c.f.Problemf(here.Then("name"), "%q is listed twice for this system", r.Name)
		}
		seen[strings.ToLower(r.Name)] = true
		for j, g := range r.AIPaths {
			if err := checkGlob(g); err != nil {
				c.f.Problemf(here.Then("ai_paths", j), "%s", err).Hint("for example ml/**, prompts/*.md or models/train.py")
			}
		}
	}
	for i, j := range s.Jira {
		if j.Project != "" && !projectPattern.MatchString(j.Project) {
			c.f.Problemf(at.Then("jira", i, "project"), "%q is not the key of a project", j.Project).Hint("the key stands before the number of an issue: ML in ML-12")
		}
	}
	for i, ref := range s.Cloud {
		if strings.TrimSuffix(ref, "*") == "" || strings.Contains(strings.TrimSuffix(ref, "*"), "*") {
			c.f.Problemf(at.Then("cloud", i), "%q does not name a resource", ref).Hint("only a trailing * stands for anything")
		}
	}
}

func (c *checker) waiver(at yamlfile.Path, w Waiver) {
	if w.Expectation != "" {
		switch {
		case !slugPattern.MatchString(w.Expectation):
			c.f.Problemf(at.Then("expectation"), "%q is not the slug of an expectation", w.Expectation)
		case len(c.known.Expectations) > 0 && !slices.Contains(c.known.Expectations, w.Expectation):
			p := c.f.Problemf(at.Then("expectation"), "there is no expectation %q", w.Expectation)
			if near := yamlfile.Nearest(w.Expectation, c.known.Expectations); near != "" {
				p.Hint("did you mean %s?", near)
			}
		}
	}
	c.personRef(at.Then("requested_by"), w.RequestedBy)
	c.personRef(at.Then("approved_by"), w.ApprovedBy)
	if w.ApprovedBy != "" && w.ApprovedBy == w.RequestedBy {
		c.f.Problemf(at.Then("approved_by"), "%s approves their own request", w.ApprovedBy).Hint("a waiver needs a second person")
	}
	if (w.ApprovedBy == "") != w.ApprovedAt.IsZero() {
		c.f.Problemf(at, "approved_by and approved_at go together").Hint("leave both out while nobody has approved it")
	}
	c.past(at.Then("approved_at"), w.ApprovedAt)
	if w.ApprovedAt.IsZero() || w.ExpiresAt.IsZero() {
		return
	}
	switch {
	case !w.ExpiresAt.After(w.ApprovedAt):
		c.f.Problemf(at.Then("expires_at"), "is not after approved_at")
	case w.ExpiresAt.Sub(w.ApprovedAt) > maxWaiver:
		c.f.Problemf(at.Then("expires_at"), "is more than 365 days after approved_at").Hint("renew it with a new approval each year")
	}
	if !w.RevokedAt.IsZero() && w.RevokedAt.Before(w.ApprovedAt) {
		c.f.Problemf(at.Then("revoked_at"), "is before approved_at")
	}
}

func (c *checker) applicability(at yamlfile.Path, a Applicability) {
	c.personRef(at.Then("approved_by"), a.ApprovedBy)
	if (a.ApprovedBy == "") != a.ApprovedAt.IsZero() {
		c.f.Problemf(at, "approved_by and approved_at go together").Hint("leave both out while nobody has approved it")
	}
	c.past(at.Then("approved_at"), a.ApprovedAt)
	seen := map[string]bool{}
	for i, ctl := range a.Controls {
		here := at.Then("controls", i)
		if ctl.ID != "" && seen[ctl.ID] {
			c.f.Problemf(here.Then("id"), "%q is listed twice", ctl.ID)
		}
		seen[ctl.ID] = true
		if ctl.ID != "" && len(c.known.Controls) > 0 && !slices.Contains(c.known.Controls, ctl.ID) {
			c.f.Problemf(here.Then("id"), "there is no control %q", ctl.ID).Hint("ids are those of the catalog: 4.1 to 10.2 and A.2.2 to A.10.4")
		}
		if ctl.Applicable != nil && !*ctl.Applicable && !strings.HasPrefix(ctl.ID, "A.") {
			c.f.Problemf(here.Then("applicable"), "a clause cannot be excluded").Hint("only controls of Annex A can")
		}
	}
}

func (c *checker) id(at yamlfile.Path, id string) {
	if id != "" && !idPattern.MatchString(id) {
		c.f.Problemf(at, "%q is not an id", id).Hint("letters, digits and . _ @ + -, at most 128, beginning with a letter or digit")
	}
}

func (c *checker) unique(at yamlfile.Path, seen map[string]bool, id string) {
	c.id(at, id)
	if id != "" && seen[id] {
		c.f.Problemf(at, "%q is used twice", id)
	}
	seen[id] = true
}

func (c *checker) oneOf(at yamlfile.Path, what, got string, want []string) {
	if got != "" && !slices.Contains(want, got) {
		c.f.Problemf(at, "unknown %s %q", what, got).Hint("one of %s", strings.Join(want, ", "))
	}
}

func (c *checker) personRef(at yamlfile.Path, id string) {
	if id != "" && !c.people[id] {
		c.unknown(at, "person", id, c.people)
	}
}

func (c *checker) unknown(at yamlfile.Path, what, id string, known map[string]bool) {
	ids := make([]string, 0, len(known))
	for k := range known {
		ids = append(ids, k)
	}
	slices.Sort(ids)
	list := map[string]string{"person": "people", "vendor": "vendors", "AI system": "systems"}[what]
	p := c.f.Problemf(at, "there is no %s %q in this register", what, id)
	if near := yamlfile.Nearest(id, ids); near != "" {
		p.Hint("did you mean %s?", near)
	} else {
		p.Hint("add it under %s", list)
	}
}

// past refuses times of things that have happened but lie ahead.
func (c *checker) past(at yamlfile.Path, t time.Time) {
	if !c.known.Now.IsZero() && t.After(c.known.Now) {
		c.f.Problemf(at, "%s has not come yet", t.Format(time.DateOnly))
	}
}
