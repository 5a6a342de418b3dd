package okta

import (
	"context"
	"net/url"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// assignee is a person or group that an application is assigned to.
type assignee struct {
	ID          string `json:"id"`
	Credentials struct {
		UserName string `json:"userName"`
	} `json:"credentials"`
}

// assigned counts people and groups. It returns the people if the settings want
// them kept.
func (r *run) assigned(ctx context.Context, k known, s *records.Seen) ([]string, error) {
	ids, logins := map[string]bool{}, []string{}
	err := r.each(ctx, k, "users", "500", func(p assignee) {
		if !ids[p.ID] && r.cfg.Kept() {
			logins = append(logins, login(p.Credentials.UserName, p.ID))
		}
		ids[p.ID] = true
	})
	if err == nil {
		s.Actors = grants.Count(int64(len(ids)))
	} else if err := r.missed.Miss(ctx, r.part("people assigned", permApps), k.ID, refused(err)); err != nil {
		return nil, err
	}
	groups := map[string]bool{}
	err = r.each(ctx, k, "groups", "200", func(p assignee) { groups[p.ID] = true })
	if err == nil {
		s.Groups = grants.Count(int64(len(groups)))
	} else if err := r.missed.Miss(ctx, r.part("groups assigned", permApps), k.ID, refused(err)); err != nil {
		return nil, err
	}
	slices.Sort(logins)
	return slices.Compact(logins), nil
}

func (r *run) each(ctx context.Context, k known, what, limit string, use func(assignee)) error {
	path := k.path(what)
	return pages(ctx, r.api, rest.Call{Path: path, Query: url.Values{"limit": {limit}}}, func(p assignee) error {
		if p.ID == "" {
			return &rest.MalformedError{Path: path, Why: "an entry has no id"}
		}
		use(p)
		return nil
	}, func(int) error {
		return &rest.MalformedError{Path: path, Why: "an entry is not of the form that is documented"}
	})
}

func (r *run) part(scope, permission string) coverage.Part {
	return coverage.Part{Kinds: []string{records.KindSighting}, Scope: scope, Permission: permission}
}

// login is how a person is known outside Okta.
func login(name, id string) string {
	if name != "" {
		return name
	}
	return id
}

// consent is a scope that an application was granted.
type consent struct {
	ClientID  string `json:"clientId"`
	Scope     string `json:"scopeId"`
	Status    string `json:"status"`
	Created   string `json:"created"`
	UserID    string `json:"userId"`
	CreatedBy struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"createdBy"`
}

// rights reads the scopes of an application, and who granted the first.
func (r *run) rights(ctx context.Context, k known, s *records.Seen) error {
	if k.Credentials.Client == nil { // only an OAuth client has any
		return nil
	}
	var scopes []string
	var first consent
	path := k.path("grants")
	err := pages(ctx, r.api, rest.Call{Path: path}, func(c consent) error {
		if c.Status != "" && c.Status != "ACTIVE" {
			return nil
		}
		scopes = append(scopes, c.Scope)
		if c.CreatedBy.Type == "User" && (first.Created == "" || c.Created < first.Created) {
			first = c
		}
		return nil
	}, func(int) error {
		return &rest.MalformedError{Path: path, Why: "a grant is not of the form that is documented"}
	})
	if err != nil {
		return r.missed.Miss(ctx, r.part("rights granted", permGrants), k.ID, refused(err))
	}
	s.ScopesGranted = grants.Scopes(scopes)
	return r.hint(ctx, k, first.CreatedBy.ID, s)
}

// hint names who granted the first right.
func (r *run) hint(ctx context.Context, k known, id string, s *records.Seen) error {
	if id == "" || r.cfg.Owners == "none" {
		return nil
	}
	var who struct {
		Profile struct {
			Login string `json:"login"`
		} `json:"profile"`
	}
	if _, err := r.api.Get(ctx, rest.Call{Path: "api/v1/users/" + url.PathEscape(id)}, &who); err != nil {
		return r.missed.Miss(ctx, r.part("who granted rights", permUsers), k.ID, refused(err))
	}
	if s.OwnerHint = r.cfg.Owner(login(who.Profile.Login, id)); s.OwnerHint != "" {
		s.OwnerHintFrom = "creator, by first grant"
	}
	return nil
}
