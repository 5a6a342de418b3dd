package entra

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// firstConsent is who consented to an application first, as the settings have
// people told, and when.
type firstConsent struct {
	At  time.Time `json:"at"`
	Who string    `json:"who"`
}

// audit is an entry of the directory's log.
type audit struct {
	ID     string `json:"id"`
	At     string `json:"activityDateTime"`
	Result string `json:"result"`
	By     struct {
		User *user `json:"user"`
	} `json:"initiatedBy"`
	Targets []struct {
		ID string `json:"id"`
	} `json:"targetResources"`
}

// readConsents sums up consents, and remembers who gave the first: the log
// forgets it after a month.
func (r *run) readConsents(ctx context.Context) error {
	kinds := r.book.Wants(records.KindActivity, records.KindSighting)
	if len(r.apps) == 0 || len(kinds) == 0 {
		return nil
	}
	positions := grants.OpenPositions(r.book, "consents", r.now, r.cfg.History, r.req.Since)
	from := r.now
	for _, k := range r.apps {
		if at := positions.From(k.AppID); at.Before(from) {
			from = at
		}
	}
	var days grants.Days
	r.book.Query("directoryAudits: consents to these applications", records.KindActivity)
	part := coverage.Part{Kinds: r.book.Wants(records.KindActivity), Scope: "consents", Permission: permLogs}
	err := r.book.Part(ctx, part, func() error {
		q := url.Values{"$filter": {fmt.Sprintf("activityDisplayName eq 'Consent to application' and activityDateTime ge %s", from.Format(time.RFC3339))}, "$top": {"999"}}
		if err := pages(ctx, r.graph, rest.Call{Path: "v1.0/auditLogs/directoryAudits", Query: q}, r.audits(from, &days)); err != nil {
			return unlicensed(err)
		}
		for _, k := range r.apps {
			positions.Done(k.AppID, kinds...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.tellDays(grants.OAuth, &days); err != nil {
		return err
	}
	if err := r.consents.Save(); err != nil {
		if err := r.book.Missed(ctx, r.part("memory of first consents", ""), err); err != nil {
			return err
		}
	}
	return positions.Save()
}

func (r *run) audits(from time.Time, days *grants.Days) listing[audit] {
	byID := map[string]known{}
	for _, k := range r.apps {
		byID[k.ID] = k
	}
	seen := map[string]bool{}
	n := 0
	bad := func(n int) error {
		return r.book.Malformed(rest.Entry("consents", n), "it has no id or time, or is not of the form that is documented", records.KindActivity)
	}
	return listing[audit]{bad: bad, each: func(a audit) error {
		n++
		at, err := records.Moment(a.At)
		if err != nil || at.IsZero() || a.ID == "" || at.After(r.now.Add(time.Minute)) {
			return bad(n)
		}
		if seen[a.ID] || at.Before(from) {
			return nil
		}
		seen[a.ID] = true
		for _, t := range a.Targets {
			k, ok := byID[t.ID]
			if !ok {
				continue
			}
			e := grants.Event{Place: k.AppID, At: at, Blocked: a.Result == "failure"}
			if a.By.User != nil {
				e.Who = a.By.User.ID
			}
			days.Add(e)
			if a.By.User != nil && !e.Blocked {
				r.remember(k, at, *a.By.User)
			}
			break
		}
		return nil
	}}
}

func (r *run) remember(k known, at time.Time, by user) {
	if c, ok := r.consents.Get(k.ID); ok && !at.Before(c.At) {
		return
	}
	who := by.Name
	if who == "" {
		who = by.ID
	}
	r.consents.Set(k.ID, firstConsent{At: at, Who: r.cfg.Owner(who)})
}

// entry is a sign-in. Addresses, devices and places of people are not even
// decoded.
type entry struct {
	ID     string `json:"id"`
	At     string `json:"createdDateTime"`
	User   string `json:"userId"`
	Status struct {
		Code int64 `json:"errorCode"`
	} `json:"status"`
}

// refusedCode reports whether a sign-in was refused by a rule, rather than
// interrupted for a question.
func refusedCode(code int64) bool {
	switch code {
	case 50057, 50105, 53000, 53001, 53002, 53003, 53004, 65004, 90094, 90095, 7000112, 700016:
		return true
	}
	return false
}

// readSignIns sums up sign-ins to each application.
func (r *run) readSignIns(ctx context.Context) error {
	kinds := r.book.Wants(records.KindActivity)
	if len(kinds) == 0 {
		return nil
	}
	if len(r.apps) == 0 && r.listed {
		r.book.Read(kinds...) // nothing that a log could be read for
	}
	if !r.cfg.SignIns {
		return nil
	}
	r.book.Query("signIns of these applications", kinds...)
	positions := grants.OpenPositions(r.book, "sign-ins", r.now, r.cfg.History, r.req.Since)
	missed := coverage.Misses{Each: "application"}
	var days grants.Days
	for i, k := range r.apps {
		r.book.Progress("sign-ins", i, len(r.apps))
		own := grants.Days{}
		err := unlicensed(r.signIns(ctx, k, positions.From(k.AppID), &own))
		if err == nil {
			positions.Done(k.AppID, kinds...)
			r.book.Read(kinds...)
			days.Merge(&own)
			continue
		}
		if err := missed.Miss(ctx, coverage.Part{Kinds: kinds, Scope: "sign-ins", Permission: permLogs}, k.AppID, err); err != nil {
			return err
		}
		if errors.As(err, &licenceError{}) {
			break // it is the same for all
		}
	}
	if err := missed.Tell(r.book); err != nil {
		return err
	}
	if err := r.tellDays(grants.SSO, &days); err != nil {
		return err
	}
	return positions.Save()
}

func (r *run) signIns(ctx context.Context, k known, from time.Time, days *grants.Days) error {
	seen := map[string]bool{}
	n := 0
	bad := func(n int) error {
		return r.book.Malformed(rest.Entry("sign-ins of application "+k.AppID, n), "it has no id or time, or is not of the form that is documented", records.KindActivity)
	}
	q := url.Values{"$top": {"999"}, "$filter": {fmt.Sprintf("appId eq '%s' and createdDateTime ge %s", k.AppID, from.Format(time.RFC3339))}}
	return pages(ctx, r.graph, rest.Call{Path: "v1.0/auditLogs/signIns", Query: q}, listing[entry]{bad: bad, each: func(e entry) error {
		n++
		at, err := records.Moment(e.At)
		if err != nil || at.IsZero() || e.ID == "" || at.After(r.now.Add(time.Minute)) {
			return bad(n)
		}
		if !seen[e.ID] && !at.Before(from) {
			seen[e.ID] = true
			days.Add(grants.Event{Place: k.AppID, At: at, Who: e.User, Blocked: refusedCode(e.Status.Code)})
		}
		return nil
	}})
}

func (r *run) tellDays(channel string, days *grants.Days) error {
	byID := map[string]known{}
	for _, k := range r.apps {
		byID[k.AppID] = k
	}
	for _, sum := range days.All() {
		k := byID[sum.Place]
		if err := grants.Activity(r.book, k.Seen(channel, k.AppID, k.Name, r.cfg.Tenant), sum, r.page(k)); err != nil {
			return err
		}
	}
	return nil
}
