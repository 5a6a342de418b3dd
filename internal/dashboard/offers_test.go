package dashboard

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// oneSchedule is the schedule of one source, without an agent.
type oneSchedule struct{ paused *agent.Paused }

func (s *oneSchedule) Status(context.Context) ([]agent.SourceStatus, error) {
	return []agent.SourceStatus{{Source: "register", Spec: "@every 5m", Paused: s.paused}}, nil
}

func (s *oneSchedule) Nodes(context.Context) ([]agent.NodeStatus, error) { return nil, nil }

func (s *oneSchedule) Pause(_ context.Context, _, by, because string) error {
	s.paused = &agent.Paused{By: by, Because: because}
	return nil
}

func (s *oneSchedule) Resume(context.Context, string, string) error {
	s.paused = nil
	return nil
}

func (s *oneSchedule) RunNow(context.Context, string, string) (bool, error) { return false, nil }

// waiting puts on record, by a person, something of everything that waits for a
// second one, twice where it can be accepted and rejected. It returns the pages that
// show it.
func (o *org) waiting(first access.Principal) []string {
	o.t.Helper()
	must := func(err error) {
		o.t.Helper()
		if err != nil {
			o.t.Fatal(err)
		}
	}
	ctx, pages := o.t.Context(), []string{"/applicability?version=2099.1"}
	f := o.openFinding()
	st, err := o.service.FindStatement(ctx, "", o.now)
	must(err)
	st.Version = "2099.1"
	o.desk(first, func(d *service.Desk) {
		for _, name := range []string{"one.txt", "two.txt"} {
			w, err := d.RequestWaiver(ctx, people.Waiver{Expectation: f.Expectation, Reason: "moved", CompensatingControls: name}, "*", o.now.AddDate(0, 2, 0))
			must(err)
			u, err := d.Submit(ctx, service.Submission{File: service.File{Name: name, MediaType: "text/plain", Content: []byte(name)},
				Upload: people.Upload{Title: name, SourceSystem: "mail", CaptureMethod: "export", URL: "https://mail.example/1", Account: "a"}, Times: people.Times{Captured: o.now.AddDate(0, 0, -1)}})
			must(err)
			pages = append(pages, "/waivers?id="+w.ID, "/reviews?id="+u.ID)
		}
		_, err := d.ProposeStatement(ctx, st)
		must(err)
		id := o.caseID()
		_, _, err = d.DecideCase(ctx, id, people.CaseDecision{Decision: people.CaseAccepted, Reason: "a trial"}, people.Deadlines{Expires: o.now.AddDate(0, 1, 0)})
		must(err)
		pages = append(pages, "/shadow/"+id)
	})
	o.conclude()
	return pages
}

// pattern is the pattern of the route that an address leads to, and its permission.
func (o *org) pattern(method, address string) (string, access.Permission) {
	req := httptest.NewRequestWithContext(o.t.Context(), method, address, nil)
	_, pattern := o.dash.mux.Handler(req)
	for _, r := range o.dash.routes {
		if r.pattern == pattern {
			return pattern, r.needs
		}
	}
	return "", access.Read
}

// offered are the forms of a page that put something on record, and its links to
// pages that not everybody may see, by address, with the permission that each needs.
func (o *org) offered(a *answer) map[string]access.Permission {
	out := map[string]access.Permission{}
	for _, n := range append(a.elements("form"), a.elements("a")...) {
		method, to := strings.ToUpper(attr(n, "method")), attr(n, "action")
		if n.Data == "a" {
			method, to = http.MethodGet, attr(n, "href")
		}
		u, err := url.Parse(to)
		if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") || method == "" {
			continue
		}
		if pattern, needs := o.pattern(method, u.EscapedPath()); method == http.MethodPost && pattern != "" || needs != access.Read {
			out[method+" "+to] = needs
		}
	}
	return out
}

// TestOffers: each page offers each role the forms and links that the role may use,
// all of them and no other; each form that is offered is accepted once it is filled
// in; and there is a form for every act.
func TestOffers(t *testing.T) {
	o := actor(t)
	o.dash.Sources = &oneSchedule{}
	first, second := o.pair()
	pages := o.waiting(first)
	o.ordered = o.order(second, url.Values{"what": {"mlbom"}})
	for _, list := range addresses(o) {
		pages = append(pages, list...)
	}
	slices.Sort(pages)
	pages = slices.DeleteFunc(slices.Compact(pages), func(path string) bool {
		pattern, _ := o.pattern(http.MethodGet, strings.SplitN(path, "?", 2)[0])
		return pattern == "" || strings.HasSuffix(pattern, "/file") || strings.HasSuffix(pattern, ".json") || strings.HasSuffix(pattern, "/payload")
	})
	for _, path := range pages {
		all := o.offered(o.get(second, path))
		for _, role := range access.Roles() {
			who := second
			who.Roles = []access.Role{role.Role}
			_, needs := o.pattern(http.MethodGet, strings.SplitN(path, "?", 2)[0])
			if !who.May(needs) {
				continue
			}
			got := o.offered(o.get(who, path))
			for to, needs := range all {
				if _, there := got[to]; there != who.May(needs) {
					t.Errorf("%s as %s: offered %v, allowed %v: %s", path, role.Role, there, who.May(needs), to)
				}
			}
			for to := range got {
				if _, known := all[to]; !known {
					t.Errorf("%s as %s: only this role is offered %s", path, role.Role, to)
				}
			}
		}
	}
	done := map[string]bool{}
	for _, path := range pages {
		for _, n := range o.get(second, path).elements("form") {
			address := attr(n, "action")
			pattern, _ := o.pattern(http.MethodPost, address)
			if attr(n, "method") != "post" || pattern == "" || done[pattern] {
				continue
			}
			form := formTo(o.get(second, path), address)
			if form == nil { // it was done by the form beside it
				continue
			}
			if fields := o.filledIn(form); fields != nil {
				a := o.post(second, address, fields)
				if done[pattern] = true; a.StatusCode != http.StatusSeeOther {
					t.Errorf("%s offers %s, which is refused: status %d: %.600s", path, address, a.StatusCode, wrongOf(a))
				}
			}
		}
	}
	for _, r := range o.dash.routes {
		if r.act != nil && !done[r.pattern] && r.pattern != "POST /sources/{name}/resume" && r.pattern != "POST /waivers/{id}/revoke" {
			t.Errorf("no page offers a form for %s", r.pattern)
		}
	}
}

// formTo is the form of a page that goes to an address.
func formTo(a *answer, address string) *html.Node {
	for _, n := range a.elements("form") {
		if attr(n, "action") == address && attr(n, "method") == "post" {
			return n
		}
	}
	return nil
}

// wrongOf is what a page says was wrong with the form that was sent.
func wrongOf(a *answer) string {
	for _, n := range a.elements("p") {
		if attr(n, "class") == "wrong" {
			return textOf(n)
		}
	}
	return a.words()
}

// filledIn is what a browser would send of a form of which somebody fills in
// whatever it says is needed; nil if the page offers nothing to choose from.
func (o *org) filledIn(form *html.Node) url.Values {
	out := url.Values{}
	in := &answer{doc: form}
	first := func(n *html.Node) string {
		for _, opt := range (&answer{doc: n}).elements("option") {
			v := attr(opt, "value")
			if v == "" {
				v = strings.TrimSpace(textOf(opt))
			}
			if v != "" {
				return v
			}
		}
		return ""
	}
	for _, n := range in.elements("") {
		name, value := attr(n, "name"), attr(n, "value")
		required := slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "required" })
		switch {
		case name == "" || attr(n, "type") == "file" || attr(n, "type") == "checkbox":
		case attr(n, "type") == "radio":
			if !out.Has(name) {
				out.Set(name, value)
			}
		case n.Data == "select" && (required || attr(n, "id") == "x-what"):
			out.Set(name, first(n))
		case n.Data == "select":
			out.Set(name, "")
		case name == "until": // its label says for which decisions
			out.Set(name, o.now.AddDate(0, 1, 0).Format(time.DateOnly))
		case value != "" || !required:
			out.Set(name, value)
		case attr(n, "type") == "date":
			out.Set(name, o.now.AddDate(0, 1, 0).Format(time.DateOnly))
		case name == "expectation":
			out.Set(name, o.openFinding().Expectation)
		case name == "subject" && attr(n, "list") == "":
			out.Set(name, "*")
		case name == "subject": // of the draw that the page shows
			list := (&answer{doc: form}).elements("datalist")
			if len(list) == 0 {
				return nil
			}
			out.Set(name, first(list[0]))
		default:
			out.Set(name, "as was found")
		}
	}
	return out
}
