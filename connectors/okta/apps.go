package okta

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// app is an application as Okta lists it.
type app struct {
	ID         string `json:"id"`
	Catalogue  string `json:"name"` // of Okta's network of integrations, or made of the label
	Label      string `json:"label"`
	Status     string `json:"status"`
	Created    string `json:"created"`
	SignOnMode string `json:"signOnMode"`
	Settings   struct {
		App    map[string]json.RawMessage `json:"app"`
		Client *struct {
			Home      string   `json:"client_uri"`
			Initiate  string   `json:"initiate_login_uri"`
			Redirects []string `json:"redirect_uris"`
		} `json:"oauthClient"`
		SignOn map[string]json.RawMessage `json:"signOn"`
	} `json:"settings"`
	Credentials struct {
		Client *struct {
			ID string `json:"client_id"`
		} `json:"oauthClient"`
	} `json:"credentials"`
}

// known is an application that belongs to AI.
type known struct {
	app
	grants.Found
}

// clientID is the id by which tokens name it.
func (a app) clientID() string {
	if a.Credentials.Client != nil {
		return a.Credentials.Client.ID
	}
	return ""
}

// addresses are those that an administrator gave it; logos are not.
func (a app) addresses() []string {
	var out []string
	if c := a.Settings.Client; c != nil {
		out = append(append(out, c.Home, c.Initiate), c.Redirects...)
	}
	for _, group := range []map[string]json.RawMessage{a.Settings.App, a.Settings.SignOn} {
		for _, raw := range group {
			var text string
			if json.Unmarshal(raw, &text) == nil && strings.HasPrefix(strings.ToLower(text), "http") {
				out = append(out, text)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// match holds an application against the signatures: by what an administrator
// called it, else by its name in Okta's network.
func (r *run) match(a app) (grants.Found, bool) {
	what := grants.App{ID: a.ID, Name: a.Label, Addresses: a.addresses()}
	found, ok := r.matcher.Match(what)
	what.Name, what.Addresses = a.Catalogue, nil // the network's own name of it
	if other, ok2 := r.matcher.Match(what); ok2 && (!ok || found.Confidence == grants.Unresolved) {
		found, ok = other, true
	}
	return found, ok && (r.cfg.Unresolved || found.Confidence != grants.Unresolved)
}

// listApps finds the applications that belong to AI among all.
func (r *run) listApps(ctx context.Context) error {
	kinds := r.book.Wants(records.KindSighting, records.KindActivity)
	part := coverage.Part{Kinds: kinds, Scope: "applications", Permission: permApps}
	bad := func(n int) error {
		return r.book.Malformed(rest.Entry("applications", n), "it is not of the form that is documented", kinds...)
	}
	seen := map[string]bool{}
	err := pages(ctx, r.api, rest.Call{Path: "api/v1/apps", Query: url.Values{"limit": {"200"}}}, func(a app) error {
		if !records.Fit(a.ID) {
			return r.book.Malformed("applications", "one has no id that can be one", kinds...)
		}
		if seen[a.ID] {
			return nil
		}
		seen[a.ID] = true
		if found, ok := r.match(a); ok {
			r.apps = append(r.apps, known{a, found})
		}
		return nil
	}, bad)
	r.looked = len(seen)
	r.book.Query(fmt.Sprintf("%d applications looked at, %d of known AI", r.looked, len(r.apps)), records.KindSighting)
	if r.listed = err == nil; r.listed {
		r.book.Read(records.KindSighting)
	}
	return r.book.Missed(ctx, part, refused(err))
}

// tellApps reads who each application is assigned to and what it may do.
func (r *run) tellApps(ctx context.Context) error {
	if len(r.book.Wants(records.KindSighting)) == 0 {
		return nil
	}
	for i, k := range r.apps {
		r.book.Progress("applications", i, len(r.apps))
		if err := r.tellApp(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) tellApp(ctx context.Context, k known) error {
	s := k.Seen(grants.SSO, k.ID, k.Label, r.cfg.account())
	s.Status = status(k.Status)
	created, err := records.Moment(k.Created)
	if err == nil && !created.After(r.now.Add(time.Minute)) {
		s.FirstSeen = records.Stamp(created)
	}
	people, err := r.assigned(ctx, k, &s)
	if err != nil {
		return err
	}
	if err := r.rights(ctx, k, &s); err != nil {
		return err
	}
	link := strings.TrimRight(r.cfg.BaseURL, "/") + "/admin/app/" + url.PathEscape(k.Catalogue) + "/instance/" + url.PathEscape(k.ID)
	if err := grants.Sighting(r.book, s, link); err != nil {
		return err
	}
	return r.tellPeople(s, people)
}

// tellPeople emits a record for each person, if the settings say so.
func (r *run) tellPeople(s records.Seen, people []string) error {
	s.Actors, s.Groups, s.OwnerHint, s.OwnerHintFrom = nil, nil, "", ""
	for _, who := range people {
		if s.Actor = r.cfg.Actor(who); s.Actor == "" {
			continue
		}
		if err := grants.Sighting(r.book, s, ""); err != nil {
			return err
		}
	}
	return nil
}

// status puts Okta's word in ours.
func status(s string) string {
	switch s {
	case "ACTIVE":
		return "active"
	case "INACTIVE":
		return "suspended"
	case "DELETED":
		return "deleted"
	}
	return ""
}
