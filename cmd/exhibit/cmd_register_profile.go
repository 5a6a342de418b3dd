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

	"github.com/exhibit-aims/exhibit/internal/service"
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

func runRegisterProfile(g *globals) error {
	reg, err := g.loadRegister()
	if err != nil {
		return err
	}
	p, err := service.ProfileOf(reg, time.Now())
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, p)
	}
	(*profile)(p).print(g.std.out)
	return nil
}

// profile is how it is printed for people.
type profile service.Profile

func (p *profile) print(w io.Writer) {
	fmt.Fprintf(w, "%s (%s)\nAI roles: %s\n", clean(p.Name), p.Organization, cmp.Or(strings.Join(p.AIRoles, ", "), "not declared"))
	var heads []string
	for _, role := range slices.Sorted(maps.Keys(p.Headcount)) {
		heads = append(heads, fmt.Sprintf("%d as %s", p.Headcount[role], role))
	}
	fmt.Fprintf(w, "People who work on or with AI: %s\n", cmp.Or(strings.Join(heads, ", "), notDeclared))
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
