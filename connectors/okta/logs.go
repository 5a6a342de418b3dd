package okta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// errEnough ends a listing that is read far enough.
var errEnough = errors.New("enough was read")

// event is an entry of the System Log. Addresses, devices and places of people
// are not even decoded.
type event struct {
	ID        string `json:"uuid"`
	Type      string `json:"eventType"`
	Published string `json:"published"`
	Actor     party  `json:"actor"`
	Outcome   struct {
		Result string `json:"result"`
	} `json:"outcome"`
	Target []party `json:"target"`
}

type party struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

const signIn = "user.authentication.sso"

// channel is what an event shows; empty if it is none of use.
func (e event) channel() string {
	switch {
	case e.Type == signIn:
		return grants.SSO
	case strings.HasPrefix(e.Type, "app.oauth2."):
		return grants.OAuth
	}
	return ""
}

// who is the person: who acts, or for whom a client does.
func (e event) who() string {
	for _, p := range append([]party{e.Actor}, e.Target...) {
		if p.Type == "User" {
			return p.ID
		}
	}
	return ""
}

// activity sums up what the System Log says of each application.
func (r *run) activity(ctx context.Context) error {
	kinds := r.book.Wants(records.KindActivity)
	if len(kinds) == 0 {
		return nil
	}
	positions := grants.OpenPositions(r.book, "log", r.now, r.cfg.History, r.req.Since)
	sums := map[string]*grants.Days{grants.SSO: {}, grants.OAuth: {}}
	r.book.Query("System Log: "+signIn+" and app.oauth2.* of these applications", kinds...)
	for i, k := range r.apps {
		r.book.Progress("System Log", i, len(r.apps))
		part := coverage.Part{Kinds: kinds, Scope: "System Log of application " + k.ID, Permission: permLogs}
		err := r.book.Part(ctx, part, func() error {
			own := map[string]*grants.Days{grants.SSO: {}, grants.OAuth: {}}
			if err := r.events(ctx, k, positions.From(k.ID), own); err != nil {
				return refused(err)
			}
			positions.Done(k.ID, kinds...)
			for channel, days := range own {
				sums[channel].Merge(days)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(r.apps) == 0 && r.listed {
		r.book.Read(kinds...) // nothing that a log could be read for
	}
	if err := r.tellDays(sums); err != nil {
		return err
	}
	return positions.Save()
}

// events reads the log of one application.
func (r *run) events(ctx context.Context, k known, from time.Time, sums map[string]*grants.Days) error {
	about := fmt.Sprintf("target.id eq %q", k.ID)
	if id := k.clientID(); id != "" && id != k.ID && plain(id) {
		about = fmt.Sprintf("(%s or target.id eq %q or actor.id eq %q)", about, id, id)
	} else if id == k.ID {
		about = fmt.Sprintf("(%s or actor.id eq %q)", about, id)
	}
	q := url.Values{
		"since": {from.Format(time.RFC3339)}, "until": {r.now.Format(time.RFC3339)}, "sortOrder": {"ASCENDING"}, "limit": {"1000"},
		"filter": {fmt.Sprintf(`(eventType eq %q or eventType sw "app.oauth2.") and %s`, signIn, about)},
	}
	seen := map[string]bool{}
	bad := func(n int) error {
		return r.book.Malformed(rest.Entry("System Log of application "+k.ID, n), "it has no id, type or time, or is not of the form that is documented", records.KindActivity)
	}
	n := 0
	return pages(ctx, r.api, rest.Call{Path: "api/v1/logs", Query: q}, func(e event) error {
		n++
		at, err := records.Moment(e.Published)
		if err != nil || at.IsZero() || e.ID == "" || e.Type == "" || at.After(r.now.Add(time.Minute)) {
			return bad(n)
		}
		channel := e.channel()
		if channel == "" || seen[e.ID] || at.Before(from) {
			return nil
		}
		seen[e.ID] = true
		refused := e.Outcome.Result == "FAILURE" || e.Outcome.Result == "DENY"
		sums[channel].Add(grants.Event{Place: k.ID, At: at, Who: e.who(), Blocked: refused})
		return nil
	}, bad)
}

// plain reports whether an id can stand in a filter.
func plain(id string) bool {
	return !strings.ContainsFunc(id, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' || r > '~' })
}

func (r *run) tellDays(sums map[string]*grants.Days) error {
	byID := map[string]known{}
	for _, k := range r.apps {
		byID[k.ID] = k
	}
	for _, channel := range []string{grants.SSO, grants.OAuth} {
		for _, sum := range sums[channel].All() {
			k := byID[sum.Place]
			if err := grants.Activity(r.book, k.Seen(channel, k.ID, k.Label, r.cfg.account()), sum, ""); err != nil {
				return err
			}
		}
	}
	return nil
}
