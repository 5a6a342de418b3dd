package entra

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// given is what an application was given, and by whom or for whom.
type given struct {
	scopes  []string
	signals []string
	people  map[string]bool // ids
	groups  int64
	counted bool // all people and groups were read
}

// delegated reads the rights to act for people.
func (r *run) delegated(ctx context.Context, k known, g *given) error {
	type grant struct {
		Type      string `json:"consentType"`
		Principal string `json:"principalId"`
		Scope     string `json:"scope"`
	}
	everybody := false
	err := pages(ctx, r.graph, rest.Call{Path: k.path("oauth2PermissionGrants")}, listing[grant]{each: func(c grant) error {
		g.scopes = append(g.scopes, strings.Fields(c.Scope)...)
		if c.Type == "AllPrincipals" {
			everybody = true
		} else if c.Principal != "" {
			g.people[c.Principal] = true
		}
		return nil
	}})
	if everybody {
		g.signals = append(g.signals, "consent for all people of the tenant")
	}
	if err != nil {
		return r.missed.Miss(ctx, r.part("rights to act for people", permGrants), k.AppID, refused(err))
	}
	return nil
}

// permitted reads the rights to act by itself.
func (r *run) permitted(ctx context.Context, k known, g *given) error {
	type assignment struct {
		Role     string `json:"appRoleId"`
		Resource string `json:"resourceId"`
	}
	var all []assignment
	err := pages(ctx, r.graph, rest.Call{Path: k.path("appRoleAssignments")}, listing[assignment]{each: func(a assignment) error {
		all = append(all, a)
		return nil
	}})
	for _, a := range all {
		var names map[string]string
		if err == nil {
			names, err = r.roles(ctx, a.Resource)
		}
		name := names[a.Role]
		if name == "" {
			name = "role " + a.Role
		}
		g.scopes = append(g.scopes, name+" (application)")
	}
	if err != nil {
		return r.missed.Miss(ctx, r.part("rights to act by itself", permApps), k.AppID, refused(err))
	}
	return nil
}

// roles are the names of a resource's rights, by id.
func (r *run) roles(ctx context.Context, resource string) (map[string]string, error) {
	if known, ok := r.named[resource]; ok {
		return known, nil
	}
	var p struct {
		Roles []struct {
			ID    string `json:"id"`
			Value string `json:"value"`
		} `json:"appRoles"`
	}
	call := rest.Call{Path: "v1.0/servicePrincipals/" + url.PathEscape(resource), Query: url.Values{"$select": {"appRoles"}}}
	if _, err := r.graph.Get(ctx, call, &p); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, role := range p.Roles {
		names[role.ID] = role.Value
	}
	r.named[resource] = names
	return names, nil
}

// assigned counts people and groups that an application is assigned to.
func (r *run) assigned(ctx context.Context, k known, g *given) error {
	type assignment struct {
		Type      string `json:"principalType"`
		Principal string `json:"principalId"`
	}
	groups := map[string]bool{}
	err := pages(ctx, r.graph, rest.Call{Path: k.path("appRoleAssignedTo"), Query: top("999")}, listing[assignment]{each: func(a assignment) error {
		switch {
		case a.Principal == "":
			return &rest.MalformedError{Path: k.path("appRoleAssignedTo"), Why: "an entry has no principalId"}
		case a.Type == "User":
			g.people[a.Principal] = true
		case a.Type == "Group":
			groups[a.Principal] = true
		}
		return nil
	}})
	if err != nil {
		return r.missed.Miss(ctx, r.part("people and groups assigned", permApps), k.AppID, refused(err))
	}
	g.groups, g.counted = int64(len(groups)), true
	return nil
}

// user is a person of the tenant.
type user struct {
	ID   string `json:"id"`
	Name string `json:"userPrincipalName"`
}

// tellPeople emits a record for each person, if the settings say so.
func (r *run) tellPeople(ctx context.Context, k known, s records.Seen, g *given) error {
	if !r.cfg.Kept() {
		return nil
	}
	s.Actors, s.Groups, s.OwnerHint, s.OwnerHintFrom = nil, nil, "", ""
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(g.people)), 15) {
		names, err := r.names(ctx, ids)
		if err != nil {
			if err := r.missed.Miss(ctx, r.part("names of people", permUsers), k.AppID, refused(err)); err != nil {
				return err
			}
			continue
		}
		for _, id := range ids {
			who := names[id]
			if who == "" {
				who = id // deleted meanwhile
			}
			s.Actor = r.cfg.Actor(who)
			if err := grants.Sighting(r.book, s, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// names are the user names of some people, by id.
func (r *run) names(ctx context.Context, ids []string) (map[string]string, error) {
	var quoted []string
	for _, id := range ids {
		if plain(id) {
			quoted = append(quoted, "'"+id+"'")
		}
	}
	out := map[string]string{}
	if len(quoted) == 0 {
		return out, nil
	}
	q := url.Values{"$select": {"id,userPrincipalName"}, "$filter": {"id in (" + strings.Join(quoted, ",") + ")"}}
	err := pages(ctx, r.graph, rest.Call{Path: "v1.0/users", Query: q}, listing[user]{each: func(u user) error {
		out[u.ID] = u.Name
		return nil
	}})
	return out, err
}

// hint names who consented first, as far as the log is remembered, else an owner.
func (r *run) hint(ctx context.Context, k known, s *records.Seen) error {
	if r.cfg.Owners == "none" {
		return nil
	}
	if c, ok := r.consents.Get(k.ID); ok && c.Who != "" {
		s.OwnerHint, s.OwnerHintFrom = c.Who, "creator, by first consent"
		return nil
	}
	var owners []string
	err := pages(ctx, r.graph, rest.Call{Path: k.path("owners"), Query: url.Values{"$select": {"id,userPrincipalName"}}}, listing[user]{each: func(u user) error {
		if u.Name != "" {
			owners = append(owners, u.Name)
		}
		return nil
	}})
	if err != nil {
		return r.missed.Miss(ctx, r.part("owners", permApps), k.AppID, refused(err))
	}
	if len(owners) > 0 {
		s.OwnerHint, s.OwnerHintFrom = r.cfg.Owner(slices.Min(owners)), "owner of the application"
	}
	return nil
}
