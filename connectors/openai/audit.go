package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// auditOverlap is how much of the last run's time is read again: events can
// arrive late.
const auditOverlap = 6 * time.Hour

// auditPosition is what was read of the log. From is zero until an event was
// seen: before the first one, nobody can tell whether the log was on.
type auditPosition struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

const auditPath = "organization/audit_logs"

// errEvent is an entry of the log that is none.
var errEvent = errors.New("it has no id, type or time")

// auditLog reads what came since the last run. OpenAI answers an organisation
// that has not switched its log on with an empty list, as if nothing had
// happened; as something always has, a log without any event is a gap.
func (r *run) auditLog(ctx context.Context) error {
	const kind = records.KindVendorAuditLog
	part := coverage.Part{Kinds: []string{kind}, Scope: "audit log", Permission: permAudit}
	return r.book.Part(ctx, part, func() error {
		var last auditPosition
		known := r.book.Position("audit", &last) && !last.Until.After(r.now)
		from := usage.Midnight(r.now).AddDate(0, 0, -r.cfg.History)
		if r.req.Since.After(from) {
			from = r.req.Since.UTC()
		}
		if known {
			from = last.Until.Add(-auditOverlap)
		} else {
			last = auditPosition{}
		}
		r.book.Query("audit log by effective_at", kind)
		oldest, err := r.events(ctx, url.Values{"effective_at[gte]": {strconv.FormatInt(from.Unix(), 10)}})
		if err != nil {
			return err
		}
		switch {
		case !last.From.IsZero():
		case !oldest.IsZero():
			last.From = oldest
		default:
			on, err := r.everLogged(ctx)
			if err != nil {
				return err
			}
			if !on {
				return r.book.Gap(connector.Gap{Kinds: []string{kind}, Scope: "audit log", Reason: connector.Hidden,
					Detail: "it holds no event at all, although the making of this key would be one: it is not switched on. An owner does so under Organization, Data controls, Audit logging"})
			}
			last.From = from
		}
		r.book.Since(last.From, kind)
		return r.book.Cursor("audit", auditPosition{From: last.From, Until: r.now.Truncate(time.Second)})
	})
}

// everLogged reports whether the log holds any event, however old.
func (r *run) everLogged(ctx context.Context) (bool, error) {
	var page rest.Listing
	_, err := r.admin.Get(ctx, trials(r.now)[2].call, &page)
	return len(page.Data) > 0, err
}

// events emits events and returns the time of the oldest.
func (r *run) events(ctx context.Context, q url.Values) (oldest time.Time, err error) {
	err = list(ctx, r.admin, auditPath, q, rest.Into(r.book, "audit log", func(raw map[string]json.RawMessage) error {
		e, err := parseEvent(raw)
		if err != nil || e.At > r.now.Add(time.Minute).Unix() {
			return r.book.Malformed("audit log, event "+e.ID, "it has no id, type or time, or its time has not come yet", records.KindVendorAuditLog)
		}
		at := records.Unix(e.At)
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
		return r.book.Record(connector.Record{
			Kind: records.KindVendorAuditLog, Subject: connector.Subject{Type: "vendor", ID: r.cfg.Vendor}, Key: r.cfg.Vendor + "|" + e.ID, EventTime: at, URL: pageControl,
		}, records.VendorAuditEvent{
			Vendor: r.cfg.Vendor, EventID: e.ID, EventType: records.Line(e.Type, 100), Actor: e.actor(), EffectiveAt: records.Stamp(at),
			Target: e.target, Project: records.Line(e.Project.ID, 100),
		})
	}, records.KindVendorAuditLog))
	return oldest, err
}

// event is an entry of the log. Addresses, scopes and values in it are left out.
type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	At      int64  `json:"effective_at"`
	Project struct {
		ID string `json:"id"`
	} `json:"project"`
	Actor *struct {
		Session *struct {
			User party `json:"user"`
		} `json:"session"`
		APIKey *struct {
			ID      string `json:"id"`
			User    party  `json:"user"`
			Service party  `json:"service_account"`
		} `json:"api_key"`
	} `json:"actor"`

	target string
}

type party struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// actor is who did it: a person's address, else what OpenAI knows them by.
func (e event) actor() string {
	switch a := e.Actor; {
	case a == nil:
		return ""
	case a.Session != nil:
		return records.Line(cmp.Or(a.Session.User.Email, a.Session.User.ID), 254)
	case a.APIKey != nil:
		return records.Line(cmp.Or(a.APIKey.User.Email, a.APIKey.Service.ID, a.APIKey.User.ID, a.APIKey.ID), 254)
	}
	return ""
}

// parseEvent reads an entry. What was done stands under a name like its type,
// and its id there is what it was done to.
func parseEvent(raw map[string]json.RawMessage) (event, error) {
	var e event
	for name, into := range map[string]any{"id": &e.ID, "type": &e.Type, "effective_at": &e.At, "project": &e.Project, "actor": &e.Actor} {
		if value, ok := raw[name]; ok {
			if err := json.Unmarshal(value, into); err != nil {
				return event{ID: records.Line(e.ID, 100)}, err
			}
		}
	}
	if !records.Fit(e.ID) || e.Type == "" || records.Unix(e.At).IsZero() {
		return event{ID: records.Line(e.ID, 100)}, errEvent
	}
	var done struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw[e.Type], &done) == nil {
		e.target = records.Line(done.ID, 200)
	}
	return e, nil
}
