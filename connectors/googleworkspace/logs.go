package googleworkspace

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// firstConsent is who let an application in first, as the settings have people
// told, and when.
type firstConsent struct {
	At  time.Time `json:"at"`
	Who string    `json:"who"`
}

// activity is an entry of one of Google's logs. Addresses of people are not even
// decoded.
type activity struct {
	ID struct {
		Time   string `json:"time"`
		Unique string `json:"uniqueQualifier"`
	} `json:"id"`
	Actor struct {
		Email   string `json:"email"`
		Profile string `json:"profileId"`
	} `json:"actor"`
	Events []event `json:"events"`
}

type event struct {
	Name       string `json:"name"`
	Parameters []struct {
		Name   string   `json:"name"`
		Value  string   `json:"value"`
		Int    string   `json:"intValue"`
		Values []string `json:"multiValue"`
	} `json:"parameters"`
}

// text is a parameter's value.
func (e event) text(name string) string {
	for _, p := range e.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

func (e event) texts(name string) []string {
	for _, p := range e.Parameters {
		if p.Name == name {
			return append(p.Values, strings.Fields(p.Value)...)
		}
	}
	return nil
}

func (e event) number(name string) int64 {
	for _, p := range e.Parameters {
		if p.Name == name {
			if n, err := strconv.ParseInt(p.Int, 10, 64); err == nil && n > 0 && n < 1<<50 {
				return n
			}
		}
	}
	return 0
}

func logPath(name string) string {
	return "admin/reports/v1/activity/users/all/applications/" + name
}

// source is a log that is read, and what its events show.
type source struct {
	scope   string // as a person names it, and its position
	name    string // Google's
	event   string // empty for any
	filters string
	channel string
	// of says what an event shows; false if it is of no known AI.
	of func(event) (place, bool)
	// saw is told of each event, if it is set.
	saw func(p place, at time.Time, who string)
}

// place is an application that an event is about.
type place struct {
	grants.Found
	id, name string
	blocked  bool
}

// geminiUse is the one event of Gemini's log.
const geminiUse = "feature_utilization" //nolint:misspell // Google's word

// logs are those that the settings want.
func (r *run) logs() []source {
	out := []source{
		{scope: "consents", name: "token", event: "authorize", channel: grants.OAuth, of: r.client, saw: r.remember},
		{scope: "sign-ins by SAML", name: "saml", channel: grants.SSO, of: r.saml},
	}
	if r.cfg.Gemini {
		out = append(out, source{scope: "Gemini", name: "gemini_in_workspace_apps", event: geminiUse, channel: grants.Own, of: r.gemini})
	}
	return out
}

// client is the OAuth client that an event is about.
func (r *run) client(e event) (place, bool) {
	id, name := e.text("client_id"), e.text("app_name")
	found, ok := r.match(id, name)
	return place{Found: found, id: id, name: name}, ok
}

// saml is the application that a person signed in to. Google gives it no id.
func (r *run) saml(e event) (place, bool) {
	name := e.text("application_name")
	found, ok := r.matcher.Match(grants.App{Name: name})
	ok = ok && strings.HasPrefix(e.Name, "login_") && records.Fit(name) && (r.cfg.Unresolved || found.Confidence != grants.Unresolved)
	return place{Found: found, id: name, name: name, blocked: e.Name == "login_failure"}, ok
}

// gemini is the application that Gemini was used in.
func (r *run) gemini(e event) (place, bool) {
	sig := r.matcher.Find("google-gemini")
	id := "gemini_in_workspace_apps"
	name := "Gemini"
	if in := e.text("app_name"); records.Fit(in) {
		id, name = id+"/"+in, "Gemini in "+in
	}
	if sig == nil {
		return place{}, false
	}
	return place{Found: grants.Known(sig, "log of Gemini in Workspace", "web"), id: id, name: name}, true
}

// remember notes who let an application in first.
func (r *run) remember(p place, at time.Time, who string) {
	if c, ok := r.consents.Get(p.id); ok && !at.Before(c.At) || who == "" {
		return
	}
	r.consents.Set(p.id, firstConsent{At: at, Who: r.cfg.Owner(who)})
}

// readLogs sums up what the logs say by day.
func (r *run) readLogs(ctx context.Context) error {
	kinds := r.book.Wants(records.KindActivity)
	if len(kinds) == 0 {
		return nil
	}
	positions := grants.OpenPositions(r.book, "logs", r.now, r.cfg.History, r.req.Since)
	sums := sums{}
	for _, l := range r.logs() {
		if err := r.readLog(ctx, l, positions, sums); err != nil {
			return err
		}
	}
	if err := r.readCalls(ctx, positions, sums); err != nil {
		return err
	}
	if err := sums.tell(r); err != nil {
		return err
	}
	if err := r.consents.Save(); err != nil {
		if err := r.book.Missed(ctx, r.part("memory of first consents", ""), err); err != nil {
			return err
		}
	}
	return positions.Save()
}

// readCalls reads how often each application asked for data, if that is wanted.
func (r *run) readCalls(ctx context.Context, positions *grants.Positions, sums sums) error {
	if !r.cfg.APICalls {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(r.apps)) {
		l := source{scope: "calls for data of client " + id, name: "token", event: "activity", filters: "client_id==" + id, channel: grants.Own, of: r.client}
		if strings.ContainsAny(id, ",<>=") {
			continue // the filter cannot name it; what it was given is told
		}
		if err := r.readLog(ctx, l, positions, sums); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) readLog(ctx context.Context, l source, positions *grants.Positions, all sums) error {
	part := coverage.Part{Kinds: []string{records.KindActivity}, Scope: "log: " + l.scope, Permission: permReports}
	r.book.Query(strings.TrimSpace("log "+l.name+" "+l.event), records.KindActivity)
	r.book.Progress("log: "+l.scope, 0, 0)
	return r.book.Part(ctx, part, func() error {
		c, err := r.session.with(ctx, permReports)
		if err != nil {
			return err
		}
		own := sums{}
		if err := r.events(ctx, c, l, positions.From(l.scope), own); err != nil {
			return refused(err)
		}
		positions.Done(l.scope, records.KindActivity)
		all.merge(own)
		return nil
	})
}

func (r *run) events(ctx context.Context, c *rest.Client, l source, from time.Time, own sums) error {
	q := url.Values{"maxResults": {"1000"}, "startTime": {from.Format(time.RFC3339)}, "endTime": {r.now.Format(time.RFC3339)}}
	if r.cfg.Customer != "my_customer" {
		q.Set("customerId", r.cfg.Customer)
	}
	if l.event != "" {
		q.Set("eventName", l.event)
	}
	if l.filters != "" {
		q.Set("filters", l.filters)
	}
	seen := map[string]bool{}
	n := 0
	bad := func(n int) error {
		return r.book.Malformed(rest.Entry("log: "+l.scope, n), "it has no time, or is not of the form that is documented", records.KindActivity)
	}
	return pages(ctx, c, rest.Call{Path: logPath(l.name), Query: q}, listing[activity]{field: "items", bad: bad, each: func(a activity) error {
		n++
		at, err := records.Moment(a.ID.Time)
		if err != nil || at.IsZero() || at.After(r.now.Add(time.Minute)) {
			return bad(n)
		}
		key := fmt.Sprint(a.ID.Time, "|", a.ID.Unique, "|", a.Actor.Profile, "|", a.Actor.Email)
		if seen[key] && a.ID.Unique != "" || at.Before(from) {
			return nil
		}
		seen[key] = true
		for _, e := range a.Events {
			if l.event == "" || e.Name == l.event {
				own.add(l, e, at, actor(a))
			}
		}
		return nil
	}})
}

// actor is who did it.
func actor(a activity) string {
	if a.Actor.Email != "" {
		return a.Actor.Email
	}
	return a.Actor.Profile
}

// sums are days by channel and application.
type sums map[string]*sum

type sum struct {
	place
	channel string
	days    grants.Days
}

func (s sums) add(l source, e event, at time.Time, who string) {
	p, ok := l.of(e)
	if !ok {
		return
	}
	key := l.channel + "|" + p.ID + "|" + p.id
	if s[key] == nil {
		s[key] = &sum{place: p, channel: l.channel}
	}
	s[key].days.Add(grants.Event{Place: key, At: at, Who: who, Blocked: p.blocked, Bytes: e.number("num_response_bytes"), Scopes: e.texts("scope")})
	if l.saw != nil {
		l.saw(p, at, who)
	}
}

// merge takes other sums over. No two logs tell of one application in one
// channel.
func (s sums) merge(other sums) {
	maps.Copy(s, other)
}

func (s sums) tell(r *run) error {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		one := s[key]
		for _, day := range one.days.All() {
			if err := grants.Activity(r.book, one.Seen(one.channel, one.id, one.name, r.accountName()), day, ""); err != nil {
				return err
			}
		}
	}
	return nil
}
