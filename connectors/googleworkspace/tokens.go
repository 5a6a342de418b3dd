package googleworkspace

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// member is a person of the customer.
type member struct {
	ID        string `json:"id"`
	Email     string `json:"primaryEmail"`
	Customer  string `json:"customerId"`
	Suspended bool   `json:"suspended"`
	Archived  bool   `json:"archived"`
}

// token is a person's grant to an application.
type token struct {
	Client    string   `json:"clientId"`
	Name      string   `json:"displayText"`
	Scopes    []string `json:"scopes"`
	Anonymous bool     `json:"anonymous"`
	Native    bool     `json:"nativeApp"`
}

// app is an application that people let in.
type app struct {
	grants.Found
	client  string
	name    string
	signals []string
	scopes  []string
	people  []string
}

func usersCall(c *config, limit string) rest.Call {
	return rest.Call{Path: "admin/directory/v1/users", Query: url.Values{
		"customer": {c.Customer}, "maxResults": {limit}, "orderBy": {"email"}, "fields": {"kind,nextPageToken,users(id,primaryEmail,customerId,suspended,archived)"},
	}}
}

func tokensCall(id string) rest.Call {
	return rest.Call{Path: "admin/directory/v1/users/" + url.PathEscape(id) + "/tokens"}
}

func (r *run) part(scope, permission string) coverage.Part {
	return coverage.Part{Kinds: []string{records.KindSighting}, Scope: scope, Permission: permission}
}

// listPeople lists whom to ask for, as many as the settings allow. Who is
// suspended can use no token.
func (r *run) listPeople(ctx context.Context) error {
	if len(r.book.Wants(records.KindSighting)) == 0 {
		return nil
	}
	c, err := r.session.with(ctx, permUsers)
	if err != nil {
		return r.book.Missed(ctx, r.part("people", permUsers), err)
	}
	beyond := 0
	err = pages(ctx, c, usersCall(r.cfg, "500"), listing[member]{field: "users", each: func(p member) error {
		if r.account == "" {
			r.account = records.Line(p.Customer, 100)
		}
		switch {
		case !records.Fit(p.ID):
			return r.book.Malformed("people", "one has no id that can be one", records.KindSighting)
		case p.Suspended || p.Archived:
		case len(r.people) >= r.cfg.MaxUsers:
			beyond++
		default:
			r.people = append(r.people, p)
		}
		return nil
	}, bad: func(n int) error {
		return r.book.Malformed(rest.Entry("people", n), "it is not of the form that is documented", records.KindSighting)
	}})
	if err != nil {
		return r.book.Missed(ctx, r.part("people", permUsers), refused(err))
	}
	r.listed = true
	if beyond > 0 {
		return r.book.Gap(connector.Gap{Kinds: []string{records.KindSighting}, Scope: "applications of people", Reason: connector.Truncated,
			Detail: fmt.Sprintf("%d people beyond the first %d are not asked for: raise max_users", beyond, r.cfg.MaxUsers)})
	}
	return nil
}

// atOnce is how many people are asked for at the same time.
const atOnce = 4

// readTokens asks person by person which applications they let in.
func (r *run) readTokens(ctx context.Context) error {
	if len(r.people) == 0 {
		if r.listed {
			r.book.Read(records.KindSighting)
		}
		return nil
	}
	c, err := r.session.with(ctx, permTokens)
	if err != nil {
		return r.book.Missed(ctx, r.part("applications of people", permTokens), err)
	}
	missed := coverage.Misses{Each: "person"}
	gone := 0
	for at := 0; at < len(r.people); at += atOnce {
		some := r.people[at:min(at+atOnce, len(r.people))]
		if at%100 == 0 {
			r.book.Progress("applications of people", at, len(r.people))
		}
		for i, err := range r.askFor(ctx, c, some) { // in the order of the list
			if rest.StatusOf(err) == http.StatusNotFound {
				gone++ // deleted since the list was read
				continue
			}
			if err == nil {
				continue
			}
			if err := missed.Miss(ctx, r.part("applications", permTokens), fmt.Sprint("no. ", at+i+1), refused(err)); err != nil {
				return err
			}
		}
	}
	if gone == len(r.people) {
		return r.book.Gap(connector.Gap{Kinds: []string{records.KindSighting}, Scope: "applications of people", Reason: connector.NotFound, Detail: "Google answers 404 for everybody"})
	}
	r.book.Query(fmt.Sprintf("tokens of %d people: %d applications looked at, %d of known AI", len(r.people), len(r.clients), len(r.apps)), records.KindSighting)
	r.book.Read(records.KindSighting)
	return missed.Tell(r.book)
}

// askFor asks for several people at once.
func (r *run) askFor(ctx context.Context, c *rest.Client, some []member) []error {
	errs, all := make([]error, len(some)), make([][]token, len(some))
	var wg sync.WaitGroup
	for i, p := range some {
		wg.Go(func() {
			call := tokensCall(p.ID)
			errs[i] = pages(ctx, c, call, listing[token]{field: "items", each: func(t token) error {
				if t.Client == "" {
					return &rest.MalformedError{Path: "admin/directory/v1/users/…/tokens", Why: "a token has no clientId"}
				}
				all[i] = append(all[i], t)
				return nil
			}})
		})
	}
	wg.Wait()
	for i, p := range some {
		r.take(p, all[i])
	}
	return errs
}

// take notes what a person let in.
func (r *run) take(p member, all []token) {
	for _, t := range all {
		r.clients[t.Client] = true
		a := r.apps[t.Client]
		if a == nil {
			found, ok := r.match(t.Client, t.Name)
			if !ok {
				continue
			}
			a = &app{Found: found, client: t.Client, name: t.Name}
			r.apps[t.Client] = a
		}
		a.scopes = append(a.scopes, t.Scopes...)
		a.people = append(a.people, login(p))
		if t.Anonymous {
			a.signals = append(a.signals, "not registered with Google")
		}
		if t.Native {
			a.signals = append(a.signals, "installed application")
		}
	}
}

func (r *run) match(client, name string) (grants.Found, bool) {
	found, ok := r.matcher.Match(grants.App{ID: client, Name: name, ClientIDs: []string{client}, Addresses: origin(client)})
	return found, ok && records.Fit(client) && (r.cfg.Unresolved || found.Confidence != grants.Unresolved)
}

// origin is the host that an application which is not registered is known by.
func origin(client string) []string {
	if u, err := url.Parse(client); err == nil && u.Scheme != "" && u.Host != "" {
		return []string{client}
	}
	return nil
}

// login is how a person is known outside Google.
func login(p member) string {
	if p.Email != "" {
		return p.Email
	}
	return p.ID
}

// tellApps emits the applications that people let in.
func (r *run) tellApps(context.Context) error {
	for _, client := range slices.Sorted(maps.Keys(r.apps)) {
		a := r.apps[client]
		s := a.Seen(grants.OAuth, a.client, a.name, r.accountName())
		slices.Sort(a.people)
		a.people = slices.Compact(a.people)
		slices.Sort(a.signals)
		s.Signals = append(slices.Clone(s.Signals), slices.Compact(a.signals)...)
		s.Status, s.ScopesGranted, s.Actors = "active", grants.Scopes(a.scopes), grants.Count(int64(len(a.people)))
		if c, ok := r.consents.Get(a.client); ok && c.Who != "" {
			s.OwnerHint, s.OwnerHintFrom = c.Who, "creator, by first consent"
		}
		if err := grants.Sighting(r.book, s, ""); err != nil {
			return err
		}
		if !r.cfg.Kept() {
			continue
		}
		s.Actors, s.OwnerHint, s.OwnerHintFrom = nil, "", ""
		for _, who := range a.people {
			s.Actor = r.cfg.Actor(who)
			if err := grants.Sighting(r.book, s, ""); err != nil {
				return err
			}
		}
	}
	return nil
}
