package anthropic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// overlap is how much of the last run's time is read again: activities can
// arrive late.
const overlap = 6 * time.Hour

// offError is a feed that is not on.
type offError struct{}

func (offError) Error() string {
	return "the Compliance API is not switched on for this organisation; what happens before that is not logged"
}

// Reason is Unsupported.
func (offError) Reason() connector.Reason { return connector.Unsupported }

var _ coverage.Reasoner = offError{}

// position is what was read of the feed. From is zero until an activity was
// seen: before the first one, nobody can tell whether the feed was on.
type position struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// activities reads what came since the last run. Reading is an activity itself,
// so a feed without any is one that is not on.
func (r *run) activities(ctx context.Context) error {
	const kind = records.KindVendorAuditLog
	part := coverage.Part{Kinds: []string{kind}, Scope: "activity feed", Permission: permActivity}
	return r.book.Part(ctx, part, func() error {
		off, err := r.switchedOff(ctx)
		if err != nil {
			return err
		}
		if off {
			return offError{}
		}
		var last position
		from := usage.Midnight(r.now).AddDate(0, 0, -r.cfg.History)
		if r.req.Since.After(from) {
			from = r.req.Since.UTC()
		}
		if r.book.Position("activities", &last) && !last.Until.After(r.now) {
			from = last.Until.Add(-overlap)
		} else {
			last = position{}
		}
		r.book.Query(r.feedQuery(), kind)
		oldest, err := r.feed(ctx, from)
		if err != nil {
			return err
		}
		if last.From.IsZero() && oldest.IsZero() {
			if len(r.cfg.Activities) == 0 {
				return r.book.Gap(connector.Gap{Kinds: []string{kind}, Scope: "activity feed", Reason: connector.Hidden,
					Detail: "it holds nothing at all, although reading it is an activity: is the Compliance API switched on for this organisation?"})
			}
			oldest = from // of the types that were asked for there was none
		}
		if last.From.IsZero() {
			last.From = oldest
		}
		r.book.Since(last.From, kind)
		return r.book.Cursor("activities", position{From: last.From, Until: r.now.Truncate(time.Second)})
	})
}

func (r *run) feedQuery() string {
	if len(r.cfg.Activities) > 0 {
		return "activities of the types " + strings.Join(r.cfg.Activities, ", ")
	}
	return "activities that changed something; not what was merely viewed or listed, nor work on chats, files, artifacts and projects"
}

// switchedOff asks whether the Compliance API is off. Where that may not be
// asked, the feed itself tells.
func (r *run) switchedOff(ctx context.Context) (bool, error) {
	var s struct {
		State struct {
			Type string `json:"type"`
		} `json:"state"`
	}
	_, err := r.admin.Get(ctx, rest.Call{Path: "v1/organizations/compliance_settings"}, &s)
	return s.State.Type == "disabled", coverage.Fatal(ctx, err)
}

// feed emits activities and returns the time of the oldest of any type.
func (r *run) feed(ctx context.Context, from time.Time) (oldest time.Time, err error) {
	const kind = records.KindVendorAuditLog
	q := url.Values{"created_at.gte": {records.Stamp(from)}}
	if len(r.cfg.Activities) > 0 {
		q["activity_types[]"] = r.cfg.Activities
	}
	err = list(ctx, r.compliance, pathActivities, q, rest.Into(r.book, "activity feed", func(raw map[string]json.RawMessage) error {
		a, err := parseActivity(raw)
		if err != nil || a.at.After(r.now.Add(time.Minute)) {
			return r.book.Malformed("activity "+a.ID, "it has no id, type or time, or its time has not come yet", kind)
		}
		if oldest.IsZero() || a.at.Before(oldest) {
			oldest = a.at
		}
		if len(r.cfg.Activities) == 0 && !changes(a.Type) {
			return nil
		}
		return r.book.Record(connector.Record{
			Kind: kind, Subject: connector.Subject{Type: "vendor", ID: r.cfg.Vendor}, Key: r.cfg.Vendor + "|" + a.ID, EventTime: a.at,
			URL: "https://platform.claude.com/settings/organization",
		}, records.VendorAuditEvent{
			Vendor: r.cfg.Vendor, EventID: a.ID, EventType: records.Line(a.Type, 100), Actor: a.who(), EffectiveAt: records.Stamp(a.at),
			Target: a.target, Project: records.Line(a.Workspace, 100),
		})
	}, kind))
	return oldest, err
}

// changes reports whether activities of a type change something in the
// organisation. Those that only look are left out, the runs of this connector
// among them, and what people do with their own chats and files.
func changes(kind string) bool {
	for _, end := range []string{"_viewed", "_listed", "_accessed", "_searched", "_downloaded"} {
		if strings.HasSuffix(kind, end) {
			return false
		}
	}
	for _, begin := range []string{"claude_chat_", "claude_file_", "claude_artifact_", "claude_project_", "claude_published_artifact_", "design_project_", "platform_file_"} {
		if strings.HasPrefix(kind, begin) {
			return false
		}
	}
	return true
}

// activity is an entry of the feed. Addresses, programs and values in it are
// left out.
type activity struct {
	ID        string
	Type      string
	Workspace string
	actor     actor
	at        time.Time
	target    string
}

type actor struct {
	Type    string `json:"type"`
	Email   string `json:"email_address"`
	Unknown string `json:"unauthenticated_email_address"`
	User    string `json:"user_id"`
	APIKey  string `json:"api_key_id"`
	Admin   string `json:"admin_api_key_id"`
	Service string `json:"service_account_id"`
}

// who did it: a person's address, else what Anthropic knows them by.
func (a activity) who() string {
	p := a.actor
	return records.Line(cmp.Or(p.Email, p.User, p.Service, p.Admin, p.APIKey, p.Unknown, p.Type), 254)
}

// errActivity is an entry of the feed that is none.
var errActivity = errors.New("it has no id, type or time")

// parseActivity reads an entry. What was done to is the first id in it, by
// name, that is not of the organisation, the workspace or the actor.
func parseActivity(raw map[string]json.RawMessage) (activity, error) {
	var a activity
	var created string
	for name, into := range map[string]any{"id": &a.ID, "type": &a.Type, "created_at": &created, "actor": &a.actor, "workspace_id": &a.Workspace} {
		if value, ok := raw[name]; ok {
			if err := json.Unmarshal(value, into); err != nil {
				return activity{ID: records.Line(a.ID, 100)}, err
			}
		}
	}
	at, err := moment(created)
	if err != nil || at.IsZero() || !records.Fit(a.ID) || a.Type == "" {
		return activity{ID: records.Line(a.ID, 100)}, errActivity
	}
	a.at = at
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		var id string
		if !strings.HasSuffix(name, "_id") || name == "organization_id" || name == "workspace_id" || json.Unmarshal(raw[name], &id) != nil || id == "" {
			continue
		}
		a.target = records.Line(id, 200)
		break
	}
	a.target = cmp.Or(a.target, records.Line(a.Workspace, 200))
	return a, nil
}
