package entra

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// microsoft is the tenant that Microsoft's own applications come from.
const microsoft = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

// principal is an application in the tenant (a service principal).
type principal struct {
	ID       string   `json:"id"`
	AppID    string   `json:"appId"`
	Name     string   `json:"displayName"`
	AppName  string   `json:"appDisplayName"`
	Owner    string   `json:"appOwnerOrganizationId"`
	Home     string   `json:"homepage"`
	Login    string   `json:"loginUrl"`
	Replies  []string `json:"replyUrls"`
	Enabled  *bool    `json:"accountEnabled"`
	Disabled string   `json:"disabledByMicrosoftStatus"`
	Verified *struct {
		Name string `json:"displayName"`
	} `json:"verifiedPublisher"`
	Info *struct {
		Marketing string `json:"marketingUrl"`
		Terms     string `json:"termsOfServiceUrl"`
		Privacy   string `json:"privacyStatementUrl"`
	} `json:"info"`
}

// principalFields are all in Graph v1.0, which refuses a question for others:
// the publisher's name is in its beta only.
const principalFields = "id,appId,displayName,appDisplayName,appOwnerOrganizationId,homepage,loginUrl,replyUrls,accountEnabled,disabledByMicrosoftStatus,verifiedPublisher,info"

// known is an application that belongs to AI.
type known struct {
	principal
	grants.Found
}

// app is what is known of it for a match.
func (p principal) app() grants.App {
	a := grants.App{ID: p.AppID, Name: p.Name, ClientIDs: []string{p.AppID}, Addresses: append([]string{p.Home, p.Login}, p.Replies...)}
	if i := p.Info; i != nil {
		a.Addresses = append(a.Addresses, i.Marketing, i.Terms, i.Privacy)
	}
	switch {
	case p.Owner == microsoft:
		a.Publisher, a.Verified = "Microsoft", true
	case p.Verified != nil && p.Verified.Name != "":
		a.Publisher, a.Verified = p.Verified.Name, true
	}
	return a
}

func (r *run) match(p principal) (grants.Found, bool) {
	a := p.app()
	found, ok := r.matcher.Match(a)
	if p.AppName == p.Name {
		return found, ok && (r.cfg.Unresolved || found.Confidence != grants.Unresolved)
	}
	a.Name = p.AppName // an administrator may have renamed it
	if other, ok2 := r.matcher.Match(a); ok2 && (!ok || found.Confidence == grants.Unresolved) {
		found, ok = other, true
	}
	return found, ok && (r.cfg.Unresolved || found.Confidence != grants.Unresolved)
}

// path is the address of something of an application.
func (p principal) path(what string) string {
	return "v1.0/servicePrincipals/" + url.PathEscape(p.ID) + "/" + what
}

// status says whether people can sign in to it.
func (p principal) status() string {
	switch {
	case p.Disabled != "" && p.Disabled != "NotDisabled":
		return "blocked"
	case p.Enabled != nil && !*p.Enabled:
		return "suspended"
	}
	return "active"
}

// listApps finds the applications that belong to AI among all.
func (r *run) listApps(ctx context.Context) error {
	kinds := r.book.Wants(records.KindSighting, records.KindActivity)
	part := coverage.Part{Kinds: kinds, Scope: "applications", Permission: permApps}
	seen := map[string]bool{}
	count, odd := int64(-1), 0
	call := rest.Call{
		Path: "v1.0/servicePrincipals", Query: url.Values{"$select": {principalFields}, "$top": {"999"}, "$count": {"true"}},
		Header: http.Header{"ConsistencyLevel": {"eventual"}},
	}
	err := pages(ctx, r.graph, call, listing[principal]{count: &count, each: func(p principal) error {
		if !records.Fit(p.ID) || !plain(p.AppID) {
			odd++
			return r.book.Malformed("applications", "one has no id that can be one", kinds...)
		}
		if seen[p.ID] {
			return nil
		}
		seen[p.ID] = true
		if found, ok := r.match(p); ok {
			r.apps = append(r.apps, known{p, found})
		}
		return nil
	}, bad: func(n int) error {
		odd++
		return r.book.Malformed(rest.Entry("applications", n), "it is not of the form that is documented", kinds...)
	}})
	r.book.Query(fmt.Sprintf("%d applications looked at, %d of known AI", len(seen), len(r.apps)), records.KindSighting)
	if err != nil {
		return r.book.Missed(ctx, part, refused(err))
	}
	r.listed = true
	r.book.Read(records.KindSighting)
	if missing := count - int64(len(seen)+odd); missing > 0 {
		return r.book.Gap(connector.Gap{Kinds: kinds, Scope: "applications", Reason: connector.Hidden,
			Detail: fmt.Sprintf("Graph counts %d and lists %d", count, len(seen))})
	}
	return nil
}

// tellApps reads what each application may do, and for whom.
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
	has := &given{people: map[string]bool{}}
	for _, read := range []func(context.Context, known, *given) error{r.delegated, r.permitted, r.assigned} {
		if err := read(ctx, k, has); err != nil {
			return err
		}
	}
	if k.Owner == microsoft && has.counted && len(has.people) == 0 && has.groups == 0 && len(has.scopes) == 0 {
		return nil // Microsoft puts it into every tenant: that is no use
	}
	channel := grants.SSO
	if len(has.scopes) > 0 {
		channel = grants.OAuth
	}
	s := k.Seen(channel, k.AppID, k.Name, r.cfg.Tenant)
	s.Status, s.ScopesGranted = k.status(), grants.Scopes(has.scopes)
	s.Signals = append(slices.Clone(s.Signals), has.signals...)
	if has.counted {
		s.Actors, s.Groups = grants.Count(int64(len(has.people))), grants.Count(has.groups)
	}
	if err := r.hint(ctx, k, &s); err != nil {
		return err
	}
	if err := grants.Sighting(r.book, s, r.page(k)); err != nil {
		return err
	}
	return r.tellPeople(ctx, k, s, has)
}

// page is where a person sees an application.
func (r *run) page(k known) string {
	if r.cfg.portal == "" {
		return ""
	}
	return r.cfg.portal + "/#view/Microsoft_AAD_IAM/ManagedAppMenuBlade/~/Overview/objectId/" + url.PathEscape(k.ID) + "/appId/" + url.PathEscape(k.AppID)
}

func (r *run) part(scope, permission string) coverage.Part {
	return coverage.Part{Kinds: []string{records.KindSighting}, Scope: scope, Permission: permission}
}
