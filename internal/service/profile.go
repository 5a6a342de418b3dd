package service

import (
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/register"
)

// Profile is the management system as its register declares it. A section that is not declared is left out.
type Profile struct {
	Organization string               `json:"organization"`
	Name         string               `json:"name"`
	SHA256       string               `json:"register_sha256"`
	AIRoles      []string             `json:"ai_roles"`
	Headcount    map[string]int       `json:"headcount,omitempty"` // by AI role
	Systems      []TierCount          `json:"systems"`
	Roles        []RoleHolders        `json:"roles"`
	Scope        *ProfileScope        `json:"scope,omitempty"`
	Parties      *ProfileParties      `json:"parties,omitempty"`
	Context      *ProfileContext      `json:"context,omitempty"`
	Objectives   []register.Objective `json:"objectives"`
}

// TierCount is how many systems have a tier and an AI role.
type TierCount struct {
	Tier    string   `json:"tier"`
	AIRole  string   `json:"ai_role"`
	Count   int      `json:"count"`
	InScope int      `json:"in_scope"`
	Systems []string `json:"systems"`
}

// RoleHolders is who holds a role today.
type RoleHolders struct {
	Role   string   `json:"role"`
	People []string `json:"people"`
}

// ProfileScope is the scope with its approval.
type ProfileScope struct {
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

// ProfileParties is the interested parties.
type ProfileParties struct {
	ApprovedBy   string               `json:"approved_by"`
	ApprovedAt   time.Time            `json:"approved_at,omitzero"`
	Requirements []ProfileRequirement `json:"requirements"`
}

// ProfileRequirement is one requirement of a party.
type ProfileRequirement struct {
	Party        string   `json:"party"`
	Group        string   `json:"group"`
	Requirement  string   `json:"requirement"`
	AddressedBy  []string `json:"addressed_by"`
	NotAddressed string   `json:"not_addressed,omitempty"`
}

// ProfileContext is the context.
type ProfileContext struct {
	ApprovedBy string           `json:"approved_by"`
	ApprovedAt time.Time        `json:"approved_at,omitzero"`
	AIRoles    []string         `json:"ai_roles"`
	Climate    string           `json:"climate"`
	Issues     []register.Issue `json:"issues"`
}

// ProfileOf is the profile that a register declares, with who holds a role now.
func ProfileOf(reg *register.Register, now time.Time) (*Profile, error) {
	p := &Profile{Organization: reg.Organization.ID, Name: reg.Organization.Name, SHA256: reg.Digest().String(), AIRoles: listed(reg.Organization.Roles),
		Headcount: reg.Organization.Headcount, Systems: systemCounts(reg), Roles: holders(reg, now), Objectives: reg.Objectives}
	if s := reg.Scope; s != nil {
		digest, err := s.ContentDigest()
		if err != nil {
			return nil, err
		}
		p.Scope = &ProfileScope{Version: s.Version, Statement: s.Statement, Boundaries: s.Boundaries, Units: listed(s.Units), Sites: listed(s.Sites),
			Systems: listed(s.Systems), Roles: listed(s.Roles), Exclusions: listed(s.Exclusions), SHA256: digest.String(),
			ApprovedBy: s.ApprovedBy, ApprovedAt: s.ApprovedAt, Approval: approvalWords(*s)}
	}
	if x := reg.Parties; x != nil {
		p.Parties = &ProfileParties{ApprovedBy: x.ApprovedBy, ApprovedAt: x.ApprovedAt, Requirements: []ProfileRequirement{}}
		for _, one := range x.List {
			for _, n := range one.Requirements {
				p.Parties.Requirements = append(p.Parties.Requirements,
					ProfileRequirement{one.Name, one.Group, n.Requirement, listed(n.AddressedBy), n.NotAddressed})
			}
			if len(one.Requirements) == 0 {
				p.Parties.Requirements = append(p.Parties.Requirements, ProfileRequirement{Party: one.Name, Group: one.Group, AddressedBy: []string{}})
			}
		}
	}
	if x := reg.Context; x != nil {
		p.Context = &ProfileContext{x.ApprovedBy, x.ApprovedAt, listed(x.AIRoles), x.Climate, listed(x.Issues)}
	}
	return p, nil
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
func systemCounts(reg *register.Register) []TierCount {
	out := []TierCount{}
	for _, tier := range register.Tiers {
		for _, role := range append(slices.Clone(register.AIRoles), "") {
			c := TierCount{Tier: tier, AIRole: role, Systems: []string{}}
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
func holders(reg *register.Register, now time.Time) []RoleHolders {
	by := map[string][]string{}
	for _, person := range reg.People {
		for _, r := range person.Roles {
			if !person.IsActive() || r.Since.After(now) || !r.Until.IsZero() && !r.Until.After(now) || slices.Contains(by[r.Role], person.ID) {
				continue
			}
			by[r.Role] = append(by[r.Role], person.ID)
		}
	}
	out := []RoleHolders{}
	for _, role := range slices.Sorted(maps.Keys(by)) {
		out = append(out, RoleHolders{role, by[role]})
	}
	return out
}

// listed is a list that is never null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
