package anthropic

import (
	"context"
	"encoding/json"
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

const (
	pathUse  = "v1/organizations/usage_report/messages"
	pathCost = "v1/organizations/cost_report"
)

// result is what one key did with one model on one day.
type result struct {
	Workspace string `json:"workspace_id"`
	APIKey    string `json:"api_key_id"`
	Model     string `json:"model"`
	Input     *int64 `json:"uncached_input_tokens"`
	Output    *int64 `json:"output_tokens"`
	CacheRead int64  `json:"cache_read_input_tokens"`
	CacheMade struct {
		Hour    int64 `json:"ephemeral_1h_input_tokens"`
		Minutes int64 `json:"ephemeral_5m_input_tokens"`
	} `json:"cache_creation"`
}

// tokens is the sum of a row; false if a number is missing or cannot be one.
func (u result) tokens() (int64, bool) {
	if u.Input == nil || u.Output == nil {
		return 0, false
	}
	sum := int64(0)
	for _, n := range []int64{*u.Input, *u.Output, u.CacheRead, u.CacheMade.Hour, u.CacheMade.Minutes} {
		if n < 0 || n > 1<<50 {
			return 0, false
		}
		sum += n
	}
	return sum, true
}

// days returns the days that a report is to be read for.
func (r *run) days(cursor string) usage.Days {
	return usage.Window{Now: r.now, Since: r.req.Since, History: r.cfg.History}.Days(r.book, cursor)
}

// answered takes the models that answered.
func (r *run) answered() *usage.Answered {
	return &usage.Answered{Book: r.book, Vendor: r.cfg.Vendor, Asked: r.cfg.declared(r.defaultID), Within: "workspace", Page: pageUse}
}

// usage reads use by day. The last use of keys is derived from it, so that what
// is missed here is missed there.
func (r *run) usage(ctx context.Context) error {
	kinds := []string{records.KindVendorUsage, records.KindModelObservation}
	if len(r.book.Wants(append(kinds, records.KindAPIKey)...)) == 0 {
		return nil
	}
	r.book.Position(memoryUsed, &r.lastUsed)
	if r.lastUsed == nil {
		r.lastUsed = map[string]string{}
	}
	r.book.Query("use by workspace, key and model, on days that are over; Anthropic tells no number of calls", kinds...)
	d, seen := r.days("usage"), r.answered()
	err := usage.Read[bucket](ctx, r.admin.Client, report(pathUse, d, "workspace_id", "api_key_id", "model"), func(at time.Time, u result) error {
		return r.usedOn(at, u, seen)
	})
	if err != nil {
		return r.book.Missed(ctx, coverage.Part{Kinds: append(kinds, records.KindAPIKey), Scope: "use", Permission: permAdmin}, err)
	}
	r.book.Read(kinds...)
	r.book.Since(d.First, kinds...)
	if err := r.remember(); err != nil {
		return err
	}
	if err := r.book.Cursor("usage", d); err != nil {
		return err
	}
	return seen.Puzzles()
}

// remember keeps the last use of keys; the longest ago is forgotten first.
func (r *run) remember() error {
	keys := slices.SortedFunc(maps.Keys(r.lastUsed), func(a, b string) int { return strings.Compare(r.lastUsed[b]+b, r.lastUsed[a]+a) })
	kept := map[string]string{}
	for _, k := range keys[:min(len(keys), maxRemembered)] {
		if len(k) <= 100 {
			kept[k] = r.lastUsed[k]
		}
	}
	for {
		raw, err := json.Marshal(kept)
		if err != nil || len(raw) < 60<<10 {
			return r.book.Cursor(memoryUsed, kept)
		}
		keys = keys[:len(keys)-len(keys)/4-1]
		maps.DeleteFunc(kept, func(k, _ string) bool { return !slices.Contains(keys, k) })
	}
}

// bucket is a day of a report.
type bucket struct {
	Start   string            `json:"starting_at"`
	Results []json.RawMessage `json:"results"`
}

// Day returns when it begins, and its rows.
func (b bucket) Day() (time.Time, []json.RawMessage) {
	at, err := moment(b.Start)
	if err != nil {
		at = time.Time{}
	}
	return at, b.Results
}

// maxBuckets is how many days a report gives at once.
const maxBuckets = "31"

// report asks for a report on some days. beta=true is what Anthropic's own
// clients send with it.
func report(path string, d usage.Days, groups ...string) usage.Report {
	return usage.Report{Days: d, Call: rest.Call{Path: path, Query: url.Values{
		"beta": {"true"}, "starting_at": {records.Stamp(d.From)}, "ending_at": {records.Stamp(d.Until)},
		"bucket_width": {"1d"}, "limit": {maxBuckets}, "group_by[]": groups,
	}}}
}

// usedOn emits the use of a model through a key on a day, and that it answered.
func (r *run) usedOn(at time.Time, u result, seen *usage.Answered) error {
	sum, ok := u.tokens()
	if !ok {
		return &rest.MalformedError{Path: pathUse, Why: "a number of " + at.Format(time.DateOnly) + " is missing, below zero, or too large to be one"}
	}
	if u.Model == "" && u.Workspace == "" && u.APIKey == "" && sum > 0 {
		return &rest.MalformedError{Path: pathUse, Why: "its rows are not told apart by workspace, key and model"}
	}
	if sum == 0 {
		return nil
	}
	p := records.VendorUsage{Vendor: r.cfg.Vendor, Project: r.place(u.Workspace), APIKeyID: records.Line(u.APIKey, 100),
		Model: records.Line(u.Model, 200), Day: at.Format(time.DateOnly), Tokens: &sum}
	r.used[p.Project] = true
	if stamp := records.Stamp(at); p.APIKeyID != "" {
		r.usedKeys[p.APIKeyID] = true
		r.lastUsed[p.APIKeyID] = max(r.lastUsed[p.APIKeyID], stamp)
	}
	err := r.book.Record(connector.Record{
		Kind: records.KindVendorUsage, Subject: connector.Subject{Type: "vendor", ID: p.Vendor}, EventTime: at, URL: pageUse,
		Key: strings.Join([]string{p.Vendor, p.Project, p.APIKeyID, p.Model, p.Day}, "|"),
	}, p)
	if err != nil || p.Model == "" {
		return err
	}
	return seen.Tell(at, records.Use{Project: p.Project, APIKey: p.APIKeyID, Model: u.Model})
}
