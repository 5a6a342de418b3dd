package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// call is one request while it is answered. What templates use of it is
// exported.
type call struct {
	d       *Dashboard
	req     *http.Request
	Who     access.Principal
	view    *service.View // the state that the page shows
	shown   *prepared     // what pages need of it, made once
	asOf    string        // as it was asked for; empty: now
	problem error         // why an act was refused
}

func (d *Dashboard) newCall(r *http.Request) *call {
	who, _ := access.From(r.Context())
	return &call{d: d, req: r, Who: who}
}

// ctx is the context of the request.
func (c *call) ctx() context.Context { return c.req.Context() }

// open takes the view that the page shows: of now, or of as_of.
func (c *call) open() error {
	at := time.Time{}
	if s := c.Query("as_of"); s != "" && c.req.Method != http.MethodPost {
		var err error
		if at, err = parseInstant(s, c.d.Clock()); err != nil {
			return err
		}
		c.asOf = s
	}
	v, err := c.d.Service.Past(c.ctx(), c.Who.Asker(), at)
	if err != nil {
		return err
	}
	c.view, c.shown = v, c.d.prepare(v)
	return nil
}

// parseInstant reads an instant; a date means its last second, UTC.
func parseInstant(s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), service.CheckTime("the instant", t)
	}
	if t, err := time.Parse("2006-01-02T15:04", s); err == nil { // of a field for a date and a time
		return t.UTC(), service.CheckTime("the instant", t)
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, service.Mistake{Err: errNoTime, Remedy: "write 2026-06-30 or 2026-06-30T12:00:00Z"}
	}
	if err := service.CheckTime("the instant", day); err != nil {
		return time.Time{}, err
	}
	if end := day.Add(24*time.Hour - time.Second); end.Before(now) || day.After(now) {
		return end, nil
	}
	return now.UTC().Truncate(time.Second), nil
}

// Query is a parameter of the address, without the white space around it.
func (c *call) Query(key string) string { return strings.TrimSpace(c.req.URL.Query().Get(key)) }

// Field is what a form held, to be shown again if it was refused.
func (c *call) Field(key string) string { return c.req.PostForm.Get(key) }

// Problem is why an act was refused, Remedy what to do.
func (c *call) Problem() string {
	if c.problem == nil {
		return ""
	}
	return c.inWords(c.problem)
}

// inWords is a refusal as a sentence of a page. One that begins with the id of
// somebody keeps it as it is written.
func (c *call) inWords(err error) string {
	s := spoken(err.Error())
	first, _, _ := strings.Cut(s, " ")
	if reg, err := c.d.Service.Register(); err == nil {
		if _, known := reg.Person(first); known {
			return ended(s)
		}
	}
	return sentence(s)
}

// Sent reports whether a form that goes to an address was sent, and refused.
func (c *call) Sent(to string) bool { return c.problem != nil && c.req.URL.Path == to }

// Kept is what a field of that form held, to be shown again.
func (c *call) Kept(to, field string) string {
	if !c.Sent(to) {
		return ""
	}
	return c.Field(field)
}

// Remedy is what to do about Problem.
func (c *call) Remedy() string { return hintOf(c.problem) }

// May reports whether whoever asks holds a permission.
func (c *call) May(perm string) bool { return c.Who.May(access.Permission(perm)) }

// CSRF is what the hidden field of each form holds.
func (c *call) CSRF() string { return access.CSRF(c.ctx()) }

// CSRFField is the name of that field.
func (c *call) CSRFField() string { return access.CSRFField }

// Self is the address of this page without a parameter.
func (c *call) Self(without ...string) string {
	q := c.req.URL.Query()
	q.Del("done")
	for _, k := range without {
		q.Del(k)
	}
	return address(c.req.URL.EscapedPath(), q)
}

// With is the address of this page with a parameter set, and without those by
// which a list is turned over.
func (c *call) With(key, value string) string {
	q := c.req.URL.Query()
	for _, k := range []string{"done", "from", "before", key} {
		q.Del(k)
	}
	if value != "" {
		q.Set(key, value)
	}
	return address(c.req.URL.EscapedPath(), q)
}

// Path is the address of this page without its parameters.
func (c *call) Path() string { return c.req.URL.EscapedPath() }

// param is a parameter of the address.
type param struct{ Name, Value string }

// Params are the parameters of the address but some, for the hidden fields of a
// form that keeps them.
func (c *call) Params(without ...string) []param {
	var out []param
	for name, values := range c.req.URL.Query() {
		if !slices.Contains(without, name) && len(values) > 0 && values[0] != "" {
			out = append(out, param{name, values[0]})
		}
	}
	slices.SortFunc(out, func(x, y param) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// RuleTitle is what an expectation is called, or its slug.
func (c *call) RuleTitle(slug string) string {
	if e, _, err := c.view.Expectation(slug); err == nil && e.Title != "" {
		return e.Title
	}
	return slug
}

// There reports whether the navigation leads to a path.
func (c *call) There(to string) bool {
	return slices.ContainsFunc(c.d.nav, func(s section) bool {
		return slices.ContainsFunc(s.Items, func(i navItem) bool { return i.Href == to })
	})
}

// Today is the day of now.
func (c *call) Today() string { return c.d.Clock().UTC().Format(time.DateOnly) }

// Link is the address of another page that shows the same instant, with
// parameters: name, value, name, value. Empty ones are left out.
func (c *call) Link(to string, params ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] != "" {
			q.Set(params[i], params[i+1])
		}
	}
	if c.asOf != "" {
		q.Set("as_of", c.asOf)
	}
	return address(to, q)
}

func address(to string, q url.Values) string {
	if len(q) == 0 {
		return to
	}
	return to + "?" + q.Encode()
}

// ControlLink, ExpectationLink, ResultLink, EvidenceLink and ProofLink are the
// addresses of pages, for this instant.
func (c *call) ControlLink(id string) string { return c.Link("/controls/" + url.PathEscape(id)) }

// ExpectationLink is the address of an expectation's page.
func (c *call) ExpectationLink(slug string) string {
	return c.Link("/expectations/" + url.PathEscape(slug))
}

// EvidenceLink is the address of the page of a piece of evidence.
func (c *call) EvidenceLink(d evidence.Digest) string { return c.Link("/evidence/" + d.String()) }

// FindingLink is the address of a finding's page.
func (c *call) FindingLink(id string) string { return c.Link("/findings/" + url.PathEscape(id)) }

// SystemLink is the address of an AI system's page.
func (c *call) SystemLink(id string) string { return c.Link("/systems/" + url.PathEscape(id)) }

// HasSystem reports whether an AI system is registered in the view.
func (c *call) HasSystem(id string) bool {
	_, err := c.view.System(id)
	return err == nil
}

// HasResult reports whether the view has a result of an expectation for a subject.
func (c *call) HasResult(slug string, s evidence.Subject) bool {
	_, err := c.view.Result(slug, s)
	return err == nil
}

// ResultLink is the address of a result's page. Ids are any text: one that
// cannot be part of a path is a parameter.
func (c *call) ResultLink(slug string, s evidence.Subject) string {
	base := "/results/" + url.PathEscape(slug)
	if !inPath(s.Type) || !inPath(s.ID) || strings.Contains(s.Type, "/") {
		return withQuery(withQuery(c.Link(base+"/-/-"), "type", s.Type), "id", s.ID)
	}
	parts := strings.Split(s.ID, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return c.Link(base + "/" + url.PathEscape(s.Type) + "/" + strings.Join(parts, "/"))
}

// inPath reports whether a text survives being part of a path.
func inPath(s string) bool {
	return s != "" && s != "-" && len(s) < 1000 && path.Clean("/"+s) == "/"+s && !strings.ContainsAny(s, "\\;")
}

// WaitingLink is the address of the page on which something that waits is decided.
func (c *call) WaitingLink(w service.Waiting) string {
	switch w.What {
	case service.WaitingWaiver:
		return c.Link("/waivers", "id", w.ID)
	case service.WaitingStatement:
		return c.Link("/applicability", "version", w.ID)
	case service.WaitingCase:
		return c.Link("/shadow", "decision", w.ID)
	}
	return c.Link("/reviews", "id", w.ID)
}

// subject is what the address of a result's page names.
func (c *call) subject() evidence.Subject {
	if q := c.req.URL.Query(); q.Has("type") && q.Has("id") {
		return evidence.Subject{Type: q.Get("type"), ID: q.Get("id")}
	}
	return evidence.Subject{Type: c.req.PathValue("type"), ID: c.req.PathValue("id")}
}

// seconds is what the rule of the second person says to whoever asks, so that no
// form is offered that it refuses; nil where they are no person of the register, or
// the page is of the past.
func (c *call) seconds() (*service.Seconds, error) {
	if c.d.Service.Config().Register == "" {
		return nil, nil // there is nobody that could be one
	}
	reg, err := c.d.Service.Register()
	if err != nil {
		return nil, err
	}
	who, err := c.Who.PersonOf(reg, c.d.Clock())
	if err != nil || c.view.Past {
		return nil, nil //nolint:nilerr // nobody of the register is second to anything
	}
	s, err := c.d.Service.Seconds(who)
	return &s, err
}

// concerns reports whether whoever asks would look for a way to decide on what
// somebody began: they may decide on what others begin, or they began it.
func (c *call) concerns(by string) bool { return c.May("approve") || people.Same(by, c.Who.Person) }

// refusal is why something is refused, with what to do, as a page says it.
func (c *call) refusal(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimSpace(c.inWords(err) + " " + hintOf(err))
}

// atDesk lets whoever asks put something on record, as the person that they are,
// and waits a while for the view that shows it.
func (c *call) atDesk(do func(context.Context, *service.Desk) error) error {
	reg, err := c.d.Service.Register()
	if err != nil {
		return err
	}
	who, err := c.Who.PersonOf(reg, c.d.Clock())
	if err != nil {
		return err
	}
	return c.asPerson(who, do)
}

func (c *call) asPerson(who people.Person, do func(context.Context, *service.Desk) error) error {
	ctx := context.WithoutCancel(c.ctx()) // what was begun is ended, though the browser leaves
	desk, err := c.d.Service.Desk(ctx, who)
	if err != nil {
		return err
	}
	err = do(ctx, desk)
	desk.Leave()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, afterAct)
	defer cancel()
	if _, err := c.d.Service.Refresh(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		c.d.Logger.Warn("the view after an act was not made", "error", err)
	}
	return nil
}
