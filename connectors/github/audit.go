package github

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	// auditKept is how long GitHub keeps events of an organisation, and
	// gitEventsKept those of git: clones, fetches and pushes.
	auditKept     = 180 * 24 * time.Hour
	gitEventsKept = 7 * 24 * time.Hour
	// auditOverlap is how late an event may show up in the log.
	auditOverlap = time.Hour
	// searchTime is how GitHub's search takes an instant.
	searchTime = "2006-01-02T15:04:05+00:00"
	webEvents  = "web"
)

type auditPayload struct {
	EventID      string         `json:"event_id"`
	Organization string         `json:"organization"`
	Action       string         `json:"action"`
	Actor        string         `json:"actor,omitempty"`
	User         string         `json:"user,omitempty"`
	Repo         string         `json:"repo,omitempty"`
	CreatedAt    string         `json:"created_at"`
	Data         map[string]any `json:"data,omitempty"`
}

// auditCursor is how far the log was read.
type auditCursor struct {
	Asked  time.Time `json:"asked"`  // events since then were wanted
	Since  time.Time `json:"since"`  // events since then were read, without a hole
	Newest time.Time `json:"newest"` // of what was read
	Whole  time.Time `json:"whole"`  // when the log was last read to its end
	Query  string    `json:"query"`
}

// auditLog emits the events of the log since the last run, oldest first, so
// that a run that is cut off goes on where it stopped.
func (r *run) auditLog(ctx context.Context) error {
	cur, lost := r.auditFrom()
	if lost != "" {
		if err := r.gap(connector.Gap{Kinds: []string{KindAuditEvent}, Scope: "organisation " + r.cfg.Organization, Reason: connector.Truncated, Detail: lost}); err != nil {
			return err
		}
	}
	start := later(cur.Since, cur.until().Add(-auditOverlap))
	phrase := strings.TrimSpace(r.cfg.AuditPhrase + " created:>=" + start.UTC().Format(searchTime))
	q := url.Values{"include": {r.cfg.AuditInclude}, "order": {"asc"}, "per_page": {strconv.Itoa(pageSize)}, "phrase": {phrase}}
	seen, ordered := map[string]bool{}, true
	c := call{path: "orgs/" + r.cfg.Organization + "/audit-log", query: q}
	err := cursorPages(ctx, r.api, c, func(p page[[]json.RawMessage]) error {
		last := time.Time{}
		for _, raw := range p.body {
			at, err := r.auditEvent(ctx, raw, start, seen)
			if err != nil {
				return err
			}
			ordered = ordered && !at.Before(last)
			last = at
			cur.Newest = later(cur.Newest, earlier(at, r.now))
		}
		if !ordered || len(p.body) == 0 {
			return nil // only a log that is in order can be gone on with
		}
		return r.setCursor("audit", cur)
	})
	if err != nil {
		return r.auditRefused(ctx, err)
	}
	r.cover.reaches(KindAuditEvent, cur.Since)
	cur.Whole = r.now.Truncate(time.Second)
	return r.setCursor("audit", cur)
}

// until is up to when the log was read.
func (c auditCursor) until() time.Time { return later(c.Newest, c.Whole) }

// auditFrom is the position of the last run, or a new one. lost says what the
// source dropped since.
func (r *run) auditFrom() (cur auditCursor, lost string) {
	kept := auditKept
	if r.cfg.AuditInclude != webEvents {
		kept = gitEventsKept // what all kinds of events are kept for
	}
	oldest := r.now.Add(-kept).Truncate(time.Second)
	query := mark(r.cfg.Organization, r.cfg.AuditPhrase, r.cfg.AuditInclude)
	if !r.cursor("audit", &cur) || cur.Query != query || r.since.Before(cur.Asked) {
		// Events that are kept longer are read as far back as they go; that the
		// history has no hole is claimed for what all are kept for.
		return auditCursor{Asked: r.since, Since: later(r.since, oldest), Query: query}, ""
	}
	if cur.until().IsZero() || !cur.until().Before(oldest) {
		return cur, ""
	}
	lost = fmt.Sprintf("events between %s and %s are no longer kept: the source was not read for longer than GitHub keeps them", stamp(cur.until()), stamp(oldest))
	cur.Since = oldest
	return cur, lost
}

// auditRefused says of a log that is not there whether the plan or the
// permission is missing, as far as GitHub lets it be known.
func (r *run) auditRefused(ctx context.Context, err error) error {
	if statusOf(err) != http.StatusNotFound {
		return err
	}
	var org struct {
		Plan struct {
			Name string `json:"name"`
		} `json:"plan"`
	}
	if _, orgErr := r.api.get(ctx, call{path: "orgs/" + r.cfg.Organization}, &org); orgErr != nil {
		if fatal := r.fatal(ctx, orgErr); fatal != nil {
			return fatal
		}
	}
	plan := line(org.Plan.Name, 40)
	if strings.EqualFold(plan, "enterprise") {
		return err // the plan has it: the permission is missing
	}
	detail := "GitHub offers an organisation's audit log with Enterprise Cloud only; the organisation's plan is " + plan
	if plan == "" {
		detail = "GitHub offers an organisation's audit log with Enterprise Cloud only, and to its owners with the permission " + permOrgAdmin +
			"; it answers 404 and does not say which is missing"
	}
	return &notOfferedError{detail}
}

// auditEvent emits one event and returns when it happened.
func (r *run) auditEvent(ctx context.Context, raw json.RawMessage, start time.Time, seen map[string]bool) (time.Time, error) {
	org := r.cfg.Organization
	bad := func(why string) (time.Time, error) {
		return time.Time{}, r.missed(ctx, part{kinds: []string{KindAuditEvent}, scope: "organisation " + org}, &malformedError{Path: "orgs/" + org + "/audit-log", Why: why})
	}
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&fields); err != nil || fields == nil {
		return bad("an event that is no object")
	}
	at := eventTime(fields)
	pay := auditPayload{
		EventID: text(fields["_document_id"], 200), Organization: org, Action: text(fields["action"], 200), Actor: text(fields["actor"], 200),
		User: text(fields["user"], 200), CreatedAt: stampMilli(at), Repo: text(fields["repo"], 300), Data: auditData(fields),
	}
	if pay.Repo == "" {
		pay.Repo = text(fields["repository"], 300)
	}
	if at.IsZero() || pay.Action == "" {
		return bad("an event without a time or an action")
	}
	if pay.EventID == "" { // some events of git have none
		pay.EventID = "digest:" + mark(fields)
	}
	if seen[pay.EventID] || at.Before(start) {
		return at, nil
	}
	seen[pay.EventID] = true
	return at, r.record(connector.Record{
		Kind: KindAuditEvent, Subject: connector.Subject{Type: "organization", ID: org}, Key: pay.EventID, EventTime: at,
		URL: r.cfg.web("organizations/"+org+"/settings/audit-log", url.Values{"q": {"action:" + pay.Action + " created:" + at.Format(time.DateOnly)}}),
	}, pay)
}

// eventTime is when an event happened: milliseconds since 1970.
func eventTime(fields map[string]any) time.Time {
	for _, name := range []string{"created_at", "@timestamp"} {
		n, ok := fields[name].(json.Number)
		if !ok {
			continue
		}
		if ms, err := n.Int64(); err == nil && ms > 0 && ms < 1<<43 {
			return time.UnixMilli(ms).UTC()
		}
	}
	return time.Time{}
}

func stampMilli(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// text is v as one printable line, if it is a text.
func text(v any, limit int) string {
	s, ok := v.(string)
	if !ok {
		return ""
	}
	return line(s, limit)
}

// maxAuditFields is how many further fields of an event a record holds.
const maxAuditFields = 60

// auditData are the further fields of an event: words, numbers, yes and no, and
// lists of words. Left out is what could be a secret or says where a person
// was.
func auditData(fields map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if len(out) == maxAuditFields {
			break
		}
		if !records.Fit(name) || len(name) > 100 || told[name] || delicate(name) {
			continue
		}
		switch v := fields[name].(type) {
		case string:
			out[name] = plainValue(v)
		case bool:
			out[name] = v
		case json.Number:
			if n, err := v.Int64(); err == nil && n >= -maxID && n <= maxID {
				out[name] = n
			}
		case []any:
			list := []string{}
			for _, e := range v[:min(len(v), 100)] {
				if s, ok := e.(string); ok {
					list = append(list, plainValue(s))
				}
			}
			if len(list) > 0 {
				out[name] = list
			}
		}
	}
	return out
}

// told are the fields that a record has of its own.
var told = map[string]bool{"_document_id": true, "@timestamp": true, "created_at": true, "action": true, "actor": true, "user": true,
	"repo": true, "repository": true, "org": true}

// delicate reports whether a field may hold a secret, or where and with what a
// person worked.
func delicate(name string) bool {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_scopes") {
		return false
	}
	for _, part := range []string{"token", "secret", "password", "credential", "key", "fingerprint", "config", "_ip", "ip_", "location", "user_agent",
		"nameid", "email", "url", "session", "request"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return name == "ip"
}

// plainValue is a text unless it looks like a credential.
func plainValue(s string) string {
	for _, sign := range []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "-----BEGIN", "Bearer "} {
		if strings.Contains(s, sign) {
			return "[left out]"
		}
	}
	return line(s, 300)
}
