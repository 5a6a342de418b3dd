package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/register"
)

func newRegisterProfileCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "profile",
		Short: "The profile of the management system, as the register declares it",
		Long: `Prints what an audit begins with: scope with its approval and the digest of its content, AI roles with headcount,
AI systems by tier and role, who holds which role, interested parties and where their requirements land, context, objectives.

A section that the register leaves out is shown as such: it may be kept in documents, which the documents connector reads.
Copy the digest of the scope into approved_sha256 when it is approved: a later edit then has no approval.`,
		Example: `  exhibit register profile
  exhibit register profile -o json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runRegisterProfile(g) },
	}
}

// profile is what is printed. Sections that are not declared are null.
type profile struct {
	Organization string               `json:"organization"`
	Name         string               `json:"name"`
	SHA256       string               `json:"register_sha256"`
	AIRoles      []string             `json:"ai_roles"`
	Headcount    map[string]int       `json:"headcount"` // by AI role; null where not declared
	Systems      []tierCount          `json:"systems"`
	Roles        []roleHolders        `json:"roles"`
	Scope        *profileScope        `json:"scope"`
	Parties      *profileParties      `json:"parties"`
	Context      *profileContext      `json:"context"`
	Objectives   []register.Objective `json:"objectives"`
}

// tierCount is how many systems have a tier and an AI role.
type tierCount struct {
	Tier    string   `json:"tier"`
	AIRole  string   `json:"ai_role"`
	Count   int      `json:"count"`
	InScope int      `json:"in_scope"`
	Systems []string `json:"systems"`
}

// roleHolders is who holds a role today.
type roleHolders struct {
	Role   string   `json:"role"`
	People []string `json:"people"`
}

type profileScope struct {
	Version    string               `json:"version"`
	Statement  string               `json:"statement"`
	Boundaries string               `json:"boundaries"`
	Units      []string             `json:"units"`
	Sites      []string             `json:"sites"`
	Systems    []string             `json:"systems"`
	Roles      []string             `json:"roles"`
	Exclusions []register.Exclusion `json:"exclusions"`
	SHA256     string               `json:"content_sha256"`
	ApprovedBy string               `json:"approved_by"`
	ApprovedAt time.Time            `json:"approved_at,omitzero"`
	Approval   string               `json:"approval"` // in words: of this content, of another, none
}

type profileParties struct {
	ApprovedBy   string           `json:"approved_by"`
	ApprovedAt   time.Time        `json:"approved_at,omitzero"`
	Requirements []profileRequire `json:"requirements"`
}

// profileRequire is one requirement of a party.
type profileRequire struct {
	Party        string   `json:"party"`
	Group        string   `json:"group"`
	Requirement  string   `json:"requirement"`
	AddressedBy  []string `json:"addressed_by"`
	NotAddressed string   `json:"not_addressed,omitempty"`
}

type profileContext struct {
	ApprovedBy string           `json:"approved_by"`
	ApprovedAt time.Time        `json:"approved_at,omitzero"`
	AIRoles    []string         `json:"ai_roles"`
	Climate    string           `json:"climate"`
	Issues     []register.Issue `json:"issues"`
}

func runRegisterProfile(g *globals) error {
	reg, err := g.loadRegister()
	if err != nil {
		return err
	}
	p, err := newProfile(reg, time.Now())
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, p)
	}
	p.print(g.std.out)
	return nil
}

func newProfile(reg *register.Register, now time.Time) (*profile, error) {
	p := &profile{Organization: reg.Organization.ID, Name: reg.Organization.Name, SHA256: reg.Digest().String(), AIRoles: notNil(reg.Organization.Roles),
		Headcount: reg.Organization.Headcount, Systems: systemCounts(reg), Roles: holders(reg, now), Objectives: reg.Objectives}
	if s := reg.Scope; s != nil {
		digest, err := s.ContentDigest()
		if err != nil {
			return nil, err
		}
		p.Scope = &profileScope{Version: s.Version, Statement: s.Statement, Boundaries: s.Boundaries, Units: notNil(s.Units), Sites: notNil(s.Sites),
			Systems: notNil(s.Systems), Roles: notNil(s.Roles), Exclusions: notNil(s.Exclusions), SHA256: digest.String(),
			ApprovedBy: s.ApprovedBy, ApprovedAt: s.ApprovedAt, Approval: approvalWords(*s)}
	}
	if x := reg.Parties; x != nil {
		p.Parties = &profileParties{ApprovedBy: x.ApprovedBy, ApprovedAt: x.ApprovedAt, Requirements: []profileRequire{}}
		for _, one := range x.List {
			for _, n := range one.Requirements {
				p.Parties.Requirements = append(p.Parties.Requirements,
					profileRequire{one.Name, one.Group, n.Requirement, notNil(n.AddressedBy), n.NotAddressed})
			}
			if len(one.Requirements) == 0 {
				p.Parties.Requirements = append(p.Parties.Requirements, profileRequire{Party: one.Name, Group: one.Group, AddressedBy: []string{}})
			}
		}
	}
	if x := reg.Context; x != nil {
		p.Context = &profileContext{x.ApprovedBy, x.ApprovedAt, notNil(x.AIRoles), x.Climate, notNil(x.Issues)}
	}
	return p, nil
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func approvalWords(s register.Scope) string {
	switch {
	case s.ApprovedBy == "":
		return "not approved"
	case !s.IsApproved():
		return "void: what was approved is another content"
	case s.ApprovedSHA256 == "":
		return "of the section as it stands; it names no digest"
	}
	return "of exactly this content"
}

// systemCounts counts the systems that are not retired.
func systemCounts(reg *register.Register) []tierCount {
	out := []tierCount{}
	for _, tier := range register.Tiers {
		for _, role := range append(slices.Clone(register.AIRoles), "") {
			c := tierCount{Tier: tier, AIRole: role, Systems: []string{}}
			for _, s := range reg.Systems {
				if s.Tier != tier || s.AIRole != role || s.Stage == "retire" && !s.RetiredAt.IsZero() {
					continue
				}
				c.Count++
				c.Systems = append(c.Systems, s.ID)
				if s.IsInScope() {
					c.InScope++
				}
			}
			if c.Count > 0 {
				out = append(out, c)
			}
		}
	}
	return out
}

// holders lists who is active and holds a role, by role.
func holders(reg *register.Register, now time.Time) []roleHolders {
	by := map[string][]string{}
	for _, person := range reg.People {
		for _, r := range person.Roles {
			if !person.IsActive() || r.Since.After(now) || !r.Until.IsZero() && !r.Until.After(now) || slices.Contains(by[r.Role], person.ID) {
				continue
			}
			by[r.Role] = append(by[r.Role], person.ID)
		}
	}
	out := []roleHolders{}
	for _, role := range slices.Sorted(maps.Keys(by)) {
		out = append(out, roleHolders{role, by[role]})
	}
	return out
}

func (p *profile) print(w io.Writer) {
	fmt.Fprintf(w, "%s (%s)\nAI roles: %s\n", clean(p.Name), p.Organization, cmp.Or(strings.Join(p.AIRoles, ", "), "not declared"))
	var heads []string
	for _, role := range slices.Sorted(maps.Keys(p.Headcount)) {
		heads = append(heads, fmt.Sprintf("%d as %s", p.Headcount[role], role))
	}
	fmt.Fprintf(w, "People who work on or with AI: %s\n", cmp.Or(strings.Join(heads, ", "), "not declared"))
	t := &table{head: []string{"TIER", "AI ROLE", "SYSTEMS", "IN SCOPE", "WHICH"}}
	for _, c := range p.Systems {
		t.add(c.Tier, cmp.Or(c.AIRole, "not stated"), fmt.Sprint(c.Count), fmt.Sprint(c.InScope), short(strings.Join(c.Systems, " "), 80))
	}
	printSection(w, "AI systems", t)
	p.printScope(w)
	p.printParties(w)
	p.printContext(w)
	p.printObjectives(w)
	t = &table{head: []string{"ROLE", "HELD BY"}}
	for _, r := range p.Roles {
		t.add(r.Role, strings.Join(r.People, " "))
	}
	printSection(w, "Roles", t)
}

const notDeclared = "not declared in the register; it may be kept in documents"

func (p *profile) printScope(w io.Writer) {
	fmt.Fprintln(w, "\nScope")
	s := p.Scope
	if s == nil {
		fmt.Fprintln(w, notDeclared)
		return
	}
	for _, line := range wrap(clean(s.Statement), 100) {
		fmt.Fprintln(w, line)
	}
	t := &table{head: []string{"", ""}}
	t.add("boundaries", cmp.Or(short(s.Boundaries, 100), "–"))
	t.add("units", orNone(strings.Join(s.Units, ", ")))
	t.add("sites", orNone(strings.Join(s.Sites, ", ")))
	t.add("systems", orNone(strings.Join(s.Systems, ", ")))
	t.add("AI roles", orNone(strings.Join(s.Roles, ", ")))
	for _, e := range s.Exclusions {
		t.add("left out", short(e.What+": "+cmp.Or(e.Reason, "no reason given"), 100))
	}
	t.add("approved", approvedWords(s.ApprovedBy, s.ApprovedAt)+"; "+s.Approval)
	t.add("content", "SHA-256 "+s.SHA256)
	t.print(w)
}

func approvedWords(by string, at time.Time) string {
	if by == "" {
		return "by nobody"
	}
	return "by " + by + " on " + at.Format(time.DateOnly)
}

func (p *profile) printParties(w io.Writer) {
	if p.Parties == nil {
		fmt.Fprintf(w, "\nInterested parties\n%s\n", notDeclared)
		return
	}
	t := &table{head: []string{"PARTY", "GROUP", "REQUIREMENT", "LANDS AT"}}
	for _, r := range p.Parties.Requirements {
		lands := strings.Join(r.AddressedBy, ", ")
		if r.NotAddressed != "" {
			lands = "knowingly nowhere: " + r.NotAddressed
		}
		t.add(short(r.Party, 30), r.Group, cmp.Or(short(r.Requirement, 60), "none stated"), cmp.Or(short(lands, 60), "NOWHERE"))
	}
	printSection(w, "Interested parties, approved "+approvedWords(p.Parties.ApprovedBy, p.Parties.ApprovedAt), t)
}

func (p *profile) printContext(w io.Writer) {
	if p.Context == nil {
		fmt.Fprintf(w, "\nContext\n%s\n", notDeclared)
		return
	}
	t := &table{head: []string{"ISSUE", "TYPE", "TEXT", "OWNER"}}
	for _, i := range p.Context.Issues {
		t.add(cmp.Or(i.ID, "–"), i.Type, short(i.Text, 90), cmp.Or(i.Owner, "–"))
	}
	printSection(w, "Context, approved "+approvedWords(p.Context.ApprovedBy, p.Context.ApprovedAt), t)
	fmt.Fprintf(w, "Climate change: %s\n", cmp.Or(clean(p.Context.Climate), "not decided"))
}

func (p *profile) printObjectives(w io.Writer) {
	if p.Objectives == nil {
		fmt.Fprintf(w, "\nObjectives\n%s\n", notDeclared)
		return
	}
	t := &table{head: []string{"OBJECTIVE", "METRIC", "TARGET", "OWNER", "DUE", "AREA", "APPROVED"}}
	for _, o := range p.Objectives {
		due := "–"
		if !o.Due.IsZero() {
			due = o.Due.Format(time.DateOnly)
		}
		t.add(o.ID, cmp.Or(short(o.Metric, 50), "–"), cmp.Or(short(o.Target, 24), "–"), cmp.Or(o.Owner, "–"), due, cmp.Or(o.Area, "–"), approvedWords(o.ApprovedBy, o.ApprovedAt))
	}
	printSection(w, "Objectives", t)
}

// printSection prints a table under a title; an empty one says so.
func printSection(w io.Writer, title string, t *table) {
	fmt.Fprintf(w, "\n%s\n", clean(title))
	if len(t.rows) == 0 {
		fmt.Fprintln(w, "none")
		return
	}
	t.print(w)
}
