package anthropic

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

const (
	// settled is how long after midnight a day is asked for.
	settled = 3 * time.Hour
	// unsettled days are read again: use can arrive late, and a day that
	// changed is a new revision of its record.
	unsettled = 3

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

// span is the days to read, from one midnight to another. first is the day from
// which on all were read, in earlier runs too.
type span struct {
	First time.Time `json:"first"`
	Until time.Time `json:"until"`
	from  time.Time
}

// days returns the days that a report is to be read for.
func (r *run) days(name string) span {
	until := midnight(r.now.Add(-settled))
	oldest := until.AddDate(0, 0, -r.cfg.History)
	if since := midnight(r.req.Since); since.After(oldest) {
		oldest = since
	}
	var last span
	if !r.book.Position(name, &last) || last.Until.After(until) || last.First.After(last.Until) {
		return span{First: oldest, Until: until, from: oldest}
	}
	from := last.Until.AddDate(0, 0, -unsettled)
	if from.Before(last.First) {
		from = last.First
	}
	return span{First: last.First, Until: until, from: from}
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
	d, declared := r.days("usage"), r.cfg.declared(r.defaultID)
	puzzles := map[string]records.Use{}
	err := report(ctx, r.admin, pathUse, d, []string{"workspace_id", "api_key_id", "model"}, func(at time.Time, u result) error {
		return r.usedOn(at, u, declared, puzzles)
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
	return r.puzzled(puzzles)
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

// reportPage is a page of a report.
type reportPage struct {
	Data []struct {
		Start   string            `json:"starting_at"`
		Results []json.RawMessage `json:"results"`
	} `json:"data"`
	HasMore *bool  `json:"has_more"`
	Next    string `json:"next_page"`
}

// maxBuckets is how many days a report gives at once.
const maxBuckets = "31"

// report reads a report day by day. A day that was not asked for, or a row of
// another form, ends it: a sum without it would be a wrong one.
func report[T any](ctx context.Context, a *api, path string, d span, groups []string, each func(time.Time, T) error) error {
	if !d.from.Before(d.Until) {
		return nil
	}
	return rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
		// beta=true is what Anthropic's own clients send with it.
		q := url.Values{"beta": {"true"}, "starting_at": {records.Stamp(d.from)}, "ending_at": {records.Stamp(d.Until)},
			"bucket_width": {"1d"}, "limit": {maxBuckets}, "group_by[]": groups}
		if token != "" {
			q.Set("page", token)
		}
		var page reportPage
		answer, err := a.Get(ctx, rest.Call{Path: path, Query: q}, &page)
		if err != nil {
			return "", answer, err
		}
		next, err := buckets(path, page, d, each)
		return next, answer, err
	})
}

// buckets deals with the days of a page and returns the token of the next.
func buckets[T any](path string, page reportPage, d span, each func(time.Time, T) error) (string, error) {
	bad := func(why string) error { return &rest.MalformedError{Path: path, Why: why} }
	if page.Data == nil || page.HasMore == nil {
		return "", bad(rest.NoList)
	}
	for _, b := range page.Data {
		at, err := moment(b.Start)
		switch {
		case err != nil || b.Results == nil:
			return "", bad("a day has no beginning, or no results, not even none")
		case at.Before(d.from) || !at.Before(d.Until) || !at.Equal(midnight(at)):
			return "", bad("it tells of " + records.Line(b.Start, 40) + ", which is no day that was asked for")
		}
		for _, raw := range b.Results {
			var row T
			if err := json.Unmarshal(raw, &row); err != nil {
				return "", bad("a row of " + at.Format(time.DateOnly) + " is not of the form that is documented")
			}
			if err := each(at, row); err != nil {
				return "", err
			}
		}
	}
	switch {
	case !*page.HasMore:
		return "", nil
	case page.Next == "":
		return "", bad(rest.NoToken)
	}
	return page.Next, nil
}

// usedOn emits the use of a model through a key on a day, and that it answered.
func (r *run) usedOn(at time.Time, u result, declared []records.Asked, puzzles map[string]records.Use) error {
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
	return r.observed(at, records.Use{Project: p.Project, APIKey: p.APIKeyID, Model: u.Model}, declared, puzzles)
}

// observed emits that a model answered: once a day for each workspace, or for
// each system that asked.
func (r *run) observed(at time.Time, u records.Use, declared []records.Asked, puzzles map[string]records.Use) error {
	asked := records.Served(declared, u)
	if len(asked) == 0 {
		asked = []records.Asked{{}}
	} else if asked[0].Model == "" {
		puzzles[u.Project+"|"+u.Model] = u
		if len(asked) > 1 {
			asked = []records.Asked{{}}
		}
	}
	for _, a := range asked {
		o := records.ModelObservation{Vendor: r.cfg.Vendor, RequestedModel: records.Line(a.Model, 200), ServedModel: records.Line(u.Model, 200),
			ObservedAt: records.Stamp(at), Source: "usage_report", SystemID: a.System, Project: u.Project}
		key := strings.Join([]string{o.Vendor, o.SystemID, o.Project, o.RequestedModel, o.ServedModel, at.Format(time.DateOnly)}, "|")
		if r.told[key] {
			continue // through another key
		}
		r.told[key] = true
		err := r.book.Record(connector.Record{
			Kind: records.KindModelObservation, Subject: connector.Subject{Type: "model", ID: u.Model}, EventTime: at, URL: pageUse, Key: key,
		}, o)
		if err != nil {
			return err
		}
	}
	return nil
}

// puzzled tells of models that answered where the settings declare several
// others, so that it is not known which of them was asked for.
func (r *run) puzzled(puzzles map[string]records.Use) error {
	for _, k := range slices.Sorted(maps.Keys(puzzles)) {
		u := puzzles[k]
		err := r.book.Gap(connector.Gap{
			Kinds: []string{records.KindModelObservation}, Scope: fmt.Sprintf("what was asked for when %s answered in workspace %s", u.Model, u.Project),
			Reason: connector.NotFound, Detail: "settings.requests declares several models there, and this is none of them: declare it, or declare by api_key which of them each key asks for",
		})
		if err != nil {
			return err
		}
	}
	return nil
}
