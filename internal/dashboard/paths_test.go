package dashboard

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
)

// addresses names, by the pattern of a route, addresses that an organisation's
// store has something for. Every route must be in it.
func addresses(o *org) map[string][]string {
	out := map[string][]string{}
	for _, of := range []func(*org, *call) map[string][]string{
		mainAddresses,
	} {
		for pattern, list := range of(o, o.links()) {
			out[pattern] = append(out[pattern], list...)
		}
	}
	return out
}

// links makes links as pages do.
func (o *org) links() *call {
	return &call{d: o.dash, view: o.view(), req: httptest.NewRequestWithContext(o.t.Context(), http.MethodGet, "/", nil)}
}

func mainAddresses(o *org, c *call) map[string][]string {
	r := o.someResult(func(r *assess.Result) bool { return len(r.Evidence) > 0 })
	ev := o.someEvidence("")
	open := ""
	for _, f := range o.view().Findings {
		if f.State.IsOpen() {
			open = f.ID
		}
	}
	return map[string][]string{
		"GET /{$}":                            {"/", "/?as_of=" + o.now.AddDate(0, 0, -1).Format(time.DateOnly), "/?done=acknowledged", "/?done=made+up"},
		"GET /controls":                       {"/controls", "/controls?status=failing", "/controls?area=A.6&q=deploy", "/controls?q=nothing+is+called+so"},
		"GET /controls/{id}":                  {"/controls/A.4.2", "/controls/6.1.2?status=failing", "/controls/A.4.2?from=51"},
		"GET /expectations/{slug}":            {c.ExpectationLink(r.Expectation)},
		"GET /results/{slug}/{type}/{id...}":  {c.ResultLink(r.Expectation, r.Subject)},
		"GET /evidence":                       {"/evidence", "/evidence?kind=inventory.ai_system&latest=1&order=oldest", "/evidence?before=20", "/evidence?subject=x&digest=ab"},
		"GET /evidence/{digest}":              {c.EvidenceLink(ev.Digest)},
		"GET /evidence/{digest}/payload":      {c.EvidenceLink(ev.Digest) + "/payload"},
		"GET /evidence/{digest}/payload.json": {c.EvidenceLink(ev.Digest) + "/payload.json"},
		"GET /proof/{seq}":                    {c.ProofLink(ev.Seq), "/proof/0"},
		"GET /findings":                       {"/findings", "/findings?state=all&q=a", "/findings?owner=nobody", "/findings?state=duty&from=1"},
		"GET /findings/{id}":                  {"/findings/" + open, "/findings/" + o.view().Findings[len(o.view().Findings)-1].ID},
		"POST /findings/{id}/assign":          {"/findings/" + open + "/assign"},
		"POST /findings/{id}/grade":           {"/findings/" + open + "/grade"},
		"GET /systems":                        {"/systems"},
		"GET /exports":                        {"/exports", "/exports?as_of=" + o.now.AddDate(0, 0, -1).Format(time.DateOnly)},
		"POST /exports":                       {"/exports"},
		"GET /exports/{id}/file":              {"/exports/" + o.ordered + "/file"},
		"POST /exports/{id}/remove":           {"/exports/" + o.ordered + "/remove"},
		"GET /plan":                           {"/plan"},
		"GET /vendors":                        {"/vendors", "/vendors?as_of=" + o.now.AddDate(0, 0, -1).Format(time.DateOnly)},
		"GET /vendors/{id}":                   o.vendorPaths(c),
		"GET /populations":                    {"/populations"},
		"GET /populations/{slug}":             {"/populations/" + r.Expectation, "/populations/" + r.Expectation + "?seed=x", "/populations/" + r.Expectation + "?seed=x&size=no"},
		"POST /populations/{slug}/draw":       {"/populations/" + r.Expectation + "/draw"},
		"POST /populations/{slug}/retest":     {"/populations/" + r.Expectation + "/retest"},
		"GET /waivers":                        {"/waivers", "/waivers?state=active", "/waivers?id=nothing"},
		"GET /waivers/new":                    {"/waivers/new", "/waivers/new?expectation=vendor-assessed&subject=vendor/x"},
		"POST /waivers/new":                   {"/waivers/new"},
		"POST /waivers/{id}/approve":          {"/waivers/W-1/approve"},
		"POST /waivers/{id}/reject":           {"/waivers/W-1/reject"},
		"POST /waivers/{id}/revoke":           {"/waivers/W-1/revoke"},
		"GET /applicability":                  {"/applicability"},
		"POST /applicability/approve":         {"/applicability/approve"},
		"GET /reviews":                        {"/reviews", "/reviews?all=1", "/reviews?id=nothing"},
		"POST /reviews/{id}/accept":           {"/reviews/UP-1/accept"},
		"POST /reviews/{id}/reject":           {"/reviews/UP-1/reject"},
		"GET /sources":                        {"/sources"},
		"GET /sources/{name}":                 {"/sources/register"},
		"GET /told":                           {"/told"},
		"POST /sources/{name}/run":            {"/sources/register/run"},
		"POST /sources/{name}/pause":          {"/sources/register/pause"},
		"POST /sources/{name}/resume":         {"/sources/register/resume"},
		"GET /shadow":                         {"/shadow", "/shadow?state=all&q=a", "/shadow?state=new&from=2"},
		"GET /shadow/{id}":                    {"/shadow/" + o.caseID()},
		"POST /shadow/{id}/decide":            {"/shadow/" + o.caseID() + "/decide"},
		"POST /shadow/{id}/approve":           {"/shadow/" + o.caseID() + "/approve"},
		"GET /systems/{id}":                   {c.SystemLink(o.view().Systems()[0].ID), c.SystemLink(o.view().Systems()[1].ID) + "?chain=deployment"},
		"GET /findings/{id}/acknowledge":      {"/findings/" + open + "/acknowledge"},
		"POST /findings/{id}/acknowledge":     {"/findings/" + open + "/acknowledge"},
	}
}

// TestEveryRoute: each page is there for whoever has its permission, refused to
// the others and to whoever is not logged in; a form without the secret of the
// session is refused to everybody.
func TestEveryRoute(t *testing.T) {
	o := reader(t)
	o.ordered = o.order(someone("", access.Auditor), url.Values{"what": {"mlbom"}})
	all := addresses(o)
	for _, r := range o.dash.routes {
		if len(all[r.pattern]) == 0 {
			t.Errorf("no test asks for %s", r.pattern)
		}
		method, _, _ := strings.Cut(r.pattern, " ")
		for _, path := range all[r.pattern] {
			for _, who := range append(everyRole(), access.Principal{}) {
				a := o.do(who, httptest.NewRequestWithContext(t.Context(), method, path, nil))
				want := http.StatusOK
				switch {
				case who.Account == "":
					want = http.StatusUnauthorized
				case !who.May(r.needs) || method == http.MethodPost:
					want = http.StatusForbidden
				}
				if a.StatusCode != want {
					t.Errorf("%s %s as %v: status %d, want %d: %.300s", method, path, who.Roles, a.StatusCode, want, a.words())
				}
				if a.Header.Get("Content-Security-Policy") == "" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s: no policy", path)
				}
			}
		}
	}
}

// TestMarkup: what a screen reader, a keyboard and a browser without styles need
// is in every page, and nothing that the policy forbids.
func TestMarkup(t *testing.T) {
	o := reader(t)
	o.eachPage(func(path string, a *answer) {
		for _, why := range unsound(a) {
			t.Errorf("%s: %s", path, why)
		}
		for _, why := range o.deadLinks(a) {
			t.Errorf("%s: %s", path, why)
		}
	})
}

// eachPage gets every page as somebody who may see all of them.
func (o *org) eachPage(f func(path string, a *answer)) {
	o.t.Helper()
	who := someone("", access.Operator, access.Approver, access.Security, access.Admin, access.Auditor)
	all := addresses(o)
	for _, r := range o.dash.routes {
		for _, path := range all[r.pattern] {
			if strings.HasPrefix(r.pattern, "GET ") && r.send == nil {
				a := o.get(who, path)
				if a.StatusCode != http.StatusOK {
					o.t.Errorf("%s: status %d: %.500s", path, a.StatusCode, a.words())
				}
				f(path, a)
			}
		}
	}
	f("/nowhere", o.get(who, "/nowhere"))
}

var forbidden = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f]`)

// unsound says what is wrong with a page.
func unsound(a *answer) []string {
	var out []string
	say := func(s ...string) { out = append(out, strings.Join(s, " ")) }
	if forbidden.MatchString(a.text) {
		say("holds control characters")
	}
	if n := len(a.elements("h1")); n != 1 {
		say("has", strconv.Itoa(n), "h1")
	}
	ids, labels := map[string]bool{}, map[string]bool{}
	for _, n := range a.elements("") {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				say("two elements are called", id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labels[attr(n, "for")] = true
		}
	}
	for _, n := range a.elements("") {
		for _, at := range n.Attr {
			if at.Key == "style" || strings.HasPrefix(at.Key, "on") || at.Key == "srcset" {
				say(n.Data, "has", at.Key)
			}
			if at.Key == "aria-labelledby" || at.Key == "aria-describedby" {
				for _, id := range strings.Fields(at.Val) {
					if !ids[id] {
						say(n.Data, at.Key, "names", id, "which is not there")
					}
				}
			}
		}
		switch n.Data {
		case "script":
			if attr(n, "src") == "" || n.FirstChild != nil {
				say("a script stands in the page")
			}
		case "style", "iframe", "object", "embed", "base":
			say("there is a", n.Data)
		case "th":
			if attr(n, "scope") == "" {
				say("a head of a table has no scope")
			}
		case "table":
			if firstChild(n, "caption") == nil {
				say("a table has no caption")
			}
		case "input", "select", "textarea":
			if attr(n, "type") != "hidden" && !labels[attr(n, "id")] && attr(n, "aria-label") == "" {
				say("a field has no label:", attr(n, "name"))
			}
		case "a":
			if !safeLink(attr(n, "href")) {
				say("a link to", attr(n, "href"))
			}
			if strings.Contains(attr(n, "href"), "://") && attr(n, "rel") != "noopener noreferrer" {
				say("a link to elsewhere without rel")
			}
		}
	}
	return out
}

func firstChild(n *html.Node, name string) *html.Node {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && c.Data == name {
			return c
		}
	}
	return nil
}

func safeLink(href string) bool {
	u, err := url.Parse(href)
	return err == nil && href != "" && slices.Contains([]string{"", "http", "https"}, u.Scheme)
}

// awaited are the beginnings of addresses whose pages others are making.
var awaited = []string{"/findings", "/shadow", "/reviews", "/systems", "/vendors", "/plan", "/populations", "/applicability", "/waivers", "/sources", "/exports"}

// deadLinks are links to pages that there are not.
func (o *org) deadLinks(a *answer) []string {
	var out []string
	for _, n := range append(a.elements("a"), a.elements("form")...) {
		href := attr(n, "href") + attr(n, "action")
		u, err := url.Parse(href)
		if err != nil || u.Host != "" || u.Path == "" || slices.Contains([]string{"/logout", "/login/person"}, u.Path) {
			continue
		}
		method := strings.ToUpper(attr(n, "method"))
		if method == "" {
			method = http.MethodGet
		}
		req := httptest.NewRequestWithContext(o.t.Context(), method, u.EscapedPath(), nil)
		if _, pattern := o.dash.mux.Handler(req); pattern == "/" || pattern == "" {
			if !slices.ContainsFunc(awaited, func(p string) bool { return u.Path == p || strings.HasPrefix(u.Path, p+"/") }) {
				out = append(out, "a link to "+href+", where nothing is")
			}
		}
	}
	return out
}

// caseID is a use of AI that was seen; the large organisation has none.
func (o *org) caseID() string {
	for _, c := range o.view().Shadow.Cases {
		return c.ID
	}
	return "none"
}
