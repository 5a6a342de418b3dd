package register

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

var digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// profile checks the sections of the profile that are there.
func (c *checker) profile() {
	at := yamlfile.At
	for _, role := range slices.Sorted(maps.Keys(c.r.Organization.Headcount)) {
		n := c.r.Organization.Headcount[role]
		here := at("organization", "headcount", role)
		c.oneOf(here, "AI role", role, AIRoles)
		if n < 0 {
			c.f.Problemf(here, "%d is no number of people", n)
		}
	}
	if c.r.Scope != nil {
		c.scope(at("scope"), *c.r.Scope)
	}
	if c.r.Parties != nil {
		c.parties(at("parties"), *c.r.Parties)
	}
	if c.r.Context != nil {
		c.context(at("context"), *c.r.Context)
	}
	seen := map[string]bool{}
	for i, o := range c.r.Objectives {
		here := at("objectives", i)
		c.id(here.Then("id"), o.ID)
		key := o.ID + "|" + o.Version
		if seen[key] {
			c.f.Problemf(here.Then("id"), "%q is used twice", o.ID).Hint("give another version")
		}
		seen[key] = true
		c.objective(here, o)
	}
}

func (c *checker) scope(at yamlfile.Path, s Scope) {
	c.approval(at, s.ApprovedBy, s.ApprovedAt)
	for i, id := range s.Systems {
		c.systemRef(at.Then("systems", i), id)
	}
	for i, role := range s.Roles {
		c.oneOf(at.Then("roles", i), "AI role", role, AIRoles)
	}
	seen := map[string]bool{}
	for i, e := range s.Exclusions {
		if slices.Contains(s.Systems, e.What) {
			c.f.Problemf(at.Then("exclusions", i, "what"), "%q is in the scope and left out of it", e.What)
		}
		if e.What != "" && seen[e.What] {
			c.f.Problemf(at.Then("exclusions", i, "what"), "%q is listed twice", e.What)
		}
		seen[e.What] = true
	}
	c.digest(at.Then("approved_sha256"), s.ApprovedSHA256)
	c.digest(at.Then("document_sha256"), s.DocumentSHA256)
	if s.ApprovedSHA256 != "" && s.ApprovedBy == "" {
		c.f.Problemf(at.Then("approved_sha256"), "nobody is said to have approved it").Hint("name the person under approved_by")
	}
}

func (c *checker) parties(at yamlfile.Path, p Parties) {
	c.approval(at, p.ApprovedBy, p.ApprovedAt)
	for i, one := range p.List {
		here := at.Then("list", i)
		c.oneOf(here.Then("group"), "group", one.Group, PartyGroups)
		seen := map[string]bool{}
		for j, n := range one.Requirements {
			if seen[n.Requirement] && n.Requirement != "" {
				c.f.Problemf(here.Then("requirements", j, "requirement"), "%q is listed twice for this party", n.Requirement)
			}
			seen[n.Requirement] = true
			if len(n.AddressedBy) > 0 && n.NotAddressed != "" {
				c.f.Problemf(here.Then("requirements", j), "addressed_by and not_addressed exclude one another").Hint("say where it is answered, or why it is not")
			}
		}
	}
}

func (c *checker) context(at yamlfile.Path, x Context) {
	c.approval(at, x.ApprovedBy, x.ApprovedAt)
	for i, issue := range x.Issues {
		c.oneOf(at.Then("issues", i, "type"), "type of issue", issue.Type, IssueTypes)
		c.personRef(at.Then("issues", i, "owner"), issue.Owner)
	}
	for i, role := range x.AIRoles {
		c.oneOf(at.Then("ai_roles", i), "AI role", role, AIRoles)
	}
}

func (c *checker) objective(at yamlfile.Path, o Objective) {
	c.approval(at, o.ApprovedBy, o.ApprovedAt)
	c.personRef(at.Then("owner"), o.Owner)
	c.oneOf(at.Then("area"), "area", o.Area, Areas)
	for i, id := range o.Systems {
		c.systemRef(at.Then("systems", i), id)
	}
	if o.ApprovedBy != "" && strings.EqualFold(o.ApprovedBy, o.Owner) {
		c.f.Problemf(at.Then("approved_by"), "%s approves their own objective", o.ApprovedBy).Hint("an objective needs a second person")
	}
}

// approval checks who approved a section, and when.
func (c *checker) approval(at yamlfile.Path, by string, when time.Time) {
	c.personRef(at.Then("approved_by"), by)
	if (by == "") != when.IsZero() {
		c.f.Problemf(at, "approved_by and approved_at go together").Hint("leave both out while nobody has approved it")
	}
	c.past(at.Then("approved_at"), when)
}

func (c *checker) digest(at yamlfile.Path, d string) {
	if d != "" && !digestPattern.MatchString(d) {
		c.f.Problemf(at, "%q is not a SHA-256", d).Hint("64 hexadecimal digits; exhibit register profile prints the one of the scope")
	}
}

func (c *checker) systemRef(at yamlfile.Path, id string) {
	if id != "" && !c.systems[id] {
		c.unknown(at, "AI system", id, c.systems)
	}
}
