package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
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
)

// services are the reports by model. One that OpenAI does not offer is a gap of
// its own, so that the others go on.
func services() []string {
	return []string{"completions", "embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions"}
}

// result is what one key did with one model on one day.
type result struct {
	Project    string `json:"project_id"`
	APIKey     string `json:"api_key_id"`
	Model      string `json:"model"`
	Requests   *int64 `json:"num_model_requests"`
	Input      *int64 `json:"input_tokens"`
	Output     *int64 `json:"output_tokens"`
	Images     *int64 `json:"images"`
	Characters *int64 `json:"characters"`
	Seconds    *int64 `json:"seconds"`
}

// idle reports whether nothing was used.
func (u result) idle() bool {
	for _, n := range []*int64{u.Requests, u.Input, u.Output, u.Images, u.Characters, u.Seconds} {
		if n != nil && *n != 0 {
			return false
		}
	}
	return true
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

func (r *run) usage(ctx context.Context) error {
	kinds := []string{records.KindVendorUsage, records.KindModelObservation}
	if len(r.book.Wants(kinds...)) == 0 {
		return nil
	}
	r.book.Query("use by project, key and model, on days that are over", kinds...)
	puzzles := map[string]records.Use{}
	for _, service := range services() {
		part := coverage.Part{Kinds: kinds, Scope: "use, " + service, Permission: permUsage}
		name := "usage:" + service
		d := r.days(name)
		err := r.book.Part(ctx, part, func() error {
			r.book.Since(d.First, kinds...)
			err := report(ctx, r.admin, "organization/usage/"+service, d, []string{"project_id", "api_key_id", "model"}, func(at time.Time, u result) error {
				return r.usedOn(service, at, u, puzzles)
			})
			if err != nil {
				return err
			}
			return r.book.Cursor(name, d)
		})
		if err != nil {
			return err
		}
	}
	return r.puzzled(puzzles)
}

// page of a report.
type reportPage struct {
	Data []struct {
		Start   int64             `json:"start_time"`
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
		q := url.Values{"start_time": {strconv.FormatInt(d.from.Unix(), 10)}, "end_time": {strconv.FormatInt(d.Until.Unix(), 10)},
			"bucket_width": {"1d"}, "limit": {maxBuckets}, "group_by": groups}
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
		at := time.Unix(b.Start, 0).UTC()
		if b.Results == nil {
			return "", bad("a day has no results, not even none")
		}
		if at.Before(d.from) || !at.Before(d.Until) || !at.Equal(midnight(at)) {
			return "", bad("it tells of " + records.Stamp(at) + ", which is no day that was asked for")
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
func (r *run) usedOn(service string, at time.Time, u result, puzzles map[string]records.Use) error {
	switch {
	case u.idle():
		return nil
	case u.Model == "" && u.Project == "" && u.APIKey == "":
		return &rest.MalformedError{Path: "organization/usage/" + service, Why: "its rows are not told apart by project, key and model"}
	case odd(u.Requests) || odd(u.Input) || odd(u.Output):
		return &rest.MalformedError{Path: "organization/usage/" + service, Why: "a number of " + at.Format(time.DateOnly) + " is below zero, or too large to be one"}
	}
	r.used[u.Project] = true
	p := records.VendorUsage{Vendor: r.cfg.Vendor, Project: records.Line(u.Project, 100), APIKeyID: records.Line(u.APIKey, 100),
		Model: records.Line(u.Model, 200), Day: at.Format(time.DateOnly), Requests: u.Requests}
	if u.Input != nil || u.Output != nil {
		p.Tokens = counted(value(u.Input) + value(u.Output))
	}
	key := strings.Join([]string{p.Vendor, p.Project, p.APIKeyID, p.Model, p.Day}, "|")
	if service != "completions" { // a model can answer in two ways; each is a row of its own
		key += "|" + service
	}
	err := r.book.Record(connector.Record{
		Kind: records.KindVendorUsage, Subject: connector.Subject{Type: "vendor", ID: p.Vendor}, Key: key, EventTime: at, URL: pageUse,
	}, p)
	if err != nil || p.Model == "" {
		return err
	}
	return r.observed(at, records.Use{Project: u.Project, APIKey: u.APIKey, Model: u.Model}, puzzles)
}

// observed emits that a model answered: once a day for each project, or for
// each system that asked.
func (r *run) observed(at time.Time, u records.Use, puzzles map[string]records.Use) error {
	asked := records.Served(r.cfg.Requests, u)
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
			ObservedAt: records.Stamp(at), Source: "usage_report", SystemID: a.System, Project: records.Line(u.Project, 100)}
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
			Kinds: []string{records.KindModelObservation}, Scope: fmt.Sprintf("what was asked for when %s answered in project %s", u.Model, cmp.Or(u.Project, "(none)")),
			Reason: connector.NotFound, Detail: "settings.requests declares several models there, and this is none of them: declare it, or declare by api_key which of them each key asks for",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// odd reports whether a count cannot be one.
func odd(n *int64) bool { return n != nil && (*n < 0 || *n > 1<<50) }
