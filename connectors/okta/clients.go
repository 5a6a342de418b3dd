package okta

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// person is a user of the organisation.
type person struct {
	ID      string `json:"id"`
	Profile struct {
		Login string `json:"login"`
	} `json:"profile"`
}

// client is an OAuth client that a person let in.
type client struct {
	ID   string `json:"client_id"`
	Name string `json:"client_name"`
	Home string `json:"client_uri"`
}

// let is what many people's grants to one client come to.
type let struct {
	client
	grants.Found
	people []string
	scopes []string
}

// userGrants asks person by person which clients they let in.
func (r *run) userGrants(ctx context.Context) error {
	if !r.cfg.UserGrants || len(r.book.Wants(records.KindSighting)) == 0 {
		return nil
	}
	people, err := r.people(ctx)
	if err != nil || len(people) == 0 {
		return err
	}
	in := map[string]*let{}
	missed := coverage.Misses{Each: "person"}
	for i, p := range people {
		if i%50 == 0 {
			r.book.Progress("OAuth clients of people", i, len(people))
		}
		if err := r.clientsOf(ctx, p, in); err != nil {
			if err := missed.Miss(ctx, r.part("OAuth clients", permUsers), fmt.Sprint("no. ", i+1), refused(err)); err != nil {
				return err
			}
		}
	}
	r.book.Query(fmt.Sprintf("OAuth clients of %d people", len(people)), records.KindSighting)
	for _, id := range slices.Sorted(maps.Keys(in)) {
		if err := r.tellClient(in[id]); err != nil {
			return err
		}
	}
	return missed.Tell(r.book)
}

// people lists whom to ask for, as many as the settings allow.
func (r *run) people(ctx context.Context) ([]person, error) {
	var out []person
	more := false
	err := pages(ctx, r.api, rest.Call{Path: "api/v1/users", Query: url.Values{"limit": {"200"}}}, func(p person) error {
		switch {
		case !records.Fit(p.ID):
			return r.book.Malformed("people", "one has no id that can be one", records.KindSighting)
		case len(out) >= r.cfg.MaxUsers:
			more = true
			return errEnough
		}
		out = append(out, p)
		return nil
	}, func(n int) error {
		return r.book.Malformed(rest.Entry("people", n), "it is not of the form that is documented", records.KindSighting)
	})
	if more {
		return out, r.book.Gap(connector.Gap{Kinds: []string{records.KindSighting}, Scope: "OAuth clients of people", Reason: connector.Truncated,
			Detail: fmt.Sprintf("only the first %d people are asked for: raise max_users", r.cfg.MaxUsers)})
	}
	return out, r.book.Missed(ctx, r.part("people", permUsers), refused(err))
}

func (r *run) clientsOf(ctx context.Context, p person, in map[string]*let) error {
	path := "api/v1/users/" + url.PathEscape(p.ID) + "/clients"
	return pages(ctx, r.api, rest.Call{Path: path}, func(c client) error {
		found, ok := r.matcher.Match(grants.App{ID: c.ID, Name: c.Name, ClientIDs: []string{c.ID}, Addresses: []string{c.Home}})
		if !ok || !records.Fit(c.ID) || !r.cfg.Unresolved && found.Confidence == grants.Unresolved {
			return nil
		}
		l := in[c.ID]
		if l == nil {
			l = &let{client: c, Found: found}
			in[c.ID] = l
		}
		l.people = append(l.people, login(p.Profile.Login, p.ID))
		scopes, err := r.scopesOf(ctx, path+"/"+url.PathEscape(c.ID)+"/grants")
		l.scopes = append(l.scopes, scopes...)
		return err
	}, func(int) error {
		return &rest.MalformedError{Path: path, Why: "a client is not of the form that is documented"}
	})
}

func (r *run) scopesOf(ctx context.Context, path string) ([]string, error) {
	var out []string
	err := pages(ctx, r.api, rest.Call{Path: path}, func(c consent) error {
		if c.Status == "" || c.Status == "ACTIVE" {
			out = append(out, c.Scope)
		}
		return nil
	}, func(int) error {
		return &rest.MalformedError{Path: path, Why: "a grant is not of the form that is documented"}
	})
	return out, err
}

func (r *run) tellClient(l *let) error {
	s := l.Seen(grants.OAuth, l.ID, l.Name, r.cfg.account())
	slices.Sort(l.people)
	l.people = slices.Compact(l.people)
	s.Status, s.ScopesGranted, s.Actors = "active", grants.Scopes(l.scopes), grants.Count(int64(len(l.people)))
	if err := grants.Sighting(r.book, s, ""); err != nil {
		return err
	}
	return r.tellPeople(s, l.people)
}
