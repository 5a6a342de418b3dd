package openai

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
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

// days returns the days that a report is to be read for.
func (r *run) days(cursor string) usage.Days {
	return usage.Window{Now: r.now, Since: r.req.Since, History: r.cfg.History}.Days(r.book, cursor)
}

// answered takes the models that answered.
func (r *run) answered() *usage.Answered {
	return &usage.Answered{Book: r.book, Vendor: r.cfg.Vendor, Asked: r.cfg.Requests, Within: "project", Page: pageUse}
}

func (r *run) usage(ctx context.Context) error {
	kinds := []string{records.KindVendorUsage, records.KindModelObservation}
	if len(r.book.Wants(kinds...)) == 0 {
		return nil
	}
	r.book.Query("use by project, key and model, on days that are over", kinds...)
	seen := r.answered()
	for _, service := range services() {
		part := coverage.Part{Kinds: kinds, Scope: "use, " + service, Permission: permUsage}
		name := "usage:" + service
		d := r.days(name)
		err := r.book.Part(ctx, part, func() error {
			r.book.Since(d.First, kinds...)
			err := usage.Read[bucket](ctx, r.admin.Client, report("organization/usage/"+service, d, "project_id", "api_key_id", "model"), func(at time.Time, u result) error {
				return r.usedOn(service, at, u, seen)
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
	return seen.Puzzles()
}

// bucket is a day of a report.
type bucket struct {
	Start   int64             `json:"start_time"`
	Results []json.RawMessage `json:"results"`
}

// Day returns when it begins, and its rows.
func (b bucket) Day() (time.Time, []json.RawMessage) { return time.Unix(b.Start, 0).UTC(), b.Results }

// maxBuckets is how many days a report gives at once.
const maxBuckets = "31"

// report asks for a report on some days.
func report(path string, d usage.Days, groups ...string) usage.Report {
	return usage.Report{Days: d, Call: rest.Call{Path: path, Query: url.Values{
		"start_time": {strconv.FormatInt(d.From.Unix(), 10)}, "end_time": {strconv.FormatInt(d.Until.Unix(), 10)},
		"bucket_width": {"1d"}, "limit": {maxBuckets}, "group_by": groups,
	}}}
}

// usedOn emits the use of a model through a key on a day, and that it answered.
func (r *run) usedOn(service string, at time.Time, u result, seen *usage.Answered) error {
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
	return seen.Tell(at, records.Use{Project: u.Project, APIKey: u.APIKey, Model: u.Model})
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// odd reports whether a count cannot be one.
func odd(n *int64) bool { return n != nil && (*n < 0 || *n > 1<<50) }
