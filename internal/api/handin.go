package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"path/filepath"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// maxHandedIn bounds the body of an act that brings a file: base64 of the largest
// one, and what is said of it.
const maxHandedIn = people.MaxFile/3*4 + 1<<20

func (a *API) handInOperations() {
	register(a, operation{method: http.MethodPost, path: "/v1/reviews", id: "submit-review", tag: "people", needs: access.Request, body: maxHandedIn,
		summary: "Hand a file in as evidence", about: asPerson + " It counts once somebody else has accepted it.",
	}, a.submit)
	register(a, operation{method: http.MethodPost, path: "/v1/retests", id: "retest", tag: "shadow", needs: access.Sample, body: maxHandedIn,
		summary: "Put on record that an item was tested again, with a file if there is one", about: asPerson}, a.retest)
}

// File is a file in the body of an act.
type File struct {
	Name      string `json:"filename" minLength:"1" maxLength:"255" doc:"Its name, without folders."`
	MediaType string `json:"media_type,omitempty" maxLength:"200" doc:"Left out: what its name ends in says it." example:"application/pdf"`
	Content   []byte `json:"content_base64" maxLength:"22369624" doc:"The file, of 1 byte to 16 MiB, as base64."`
}

func (f File) handed() service.File {
	if f.MediaType == "" {
		f.MediaType = mime.TypeByExtension(filepath.Ext(f.Name))
	}
	return service.File{Name: f.Name, MediaType: f.MediaType, Content: f.Content}
}

// Line is a record as a line of exhibit import holds it.
type Line json.RawMessage

// UnmarshalJSON keeps the record as it came, on one line.
func (l *Line) UnmarshalJSON(text []byte) error {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return err
	}
	*l = b.Bytes()
	return nil
}

// Schema is of huma.SchemaProvider.
func (*Line) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// SubjectName names a subject.
type SubjectName struct {
	Type string `json:"type" minLength:"1" maxLength:"200"`
	ID   string `json:"id" minLength:"1" maxLength:"8192"`
}

func (a *API) submit(ctx context.Context, in *struct {
	Body struct {
		File
		Title       string       `json:"title" minLength:"1" maxLength:"500" doc:"What it shows."`
		System      string       `json:"source_system" minLength:"1" maxLength:"500" doc:"Where it comes from."`
		URL         string       `json:"url" minLength:"1" maxLength:"4000" doc:"Its address there, http or https."`
		Account     string       `json:"account" minLength:"1" maxLength:"500" doc:"Who was logged in there when it was captured."`
		Method      string       `json:"capture_method" minLength:"1" maxLength:"200" doc:"How it was captured: screenshot, export, scan, letter."`
		Captured    string       `json:"captured_at" minLength:"1" maxLength:"40" format:"moment" doc:"With the time of day."`
		Event       string       `json:"claimed_event_time,omitempty" maxLength:"40" format:"instant" doc:"When it happened; left out: when it was captured."`
		From        string       `json:"claimed_period_start,omitempty" maxLength:"40" format:"instant" doc:"The time that it covers begins."`
		To          string       `json:"claimed_period_end,omitempty" maxLength:"40" format:"instant" doc:"The time that it covers ends."`
		About       *SubjectName `json:"about,omitempty" doc:"What it speaks of."`
		Expectation string       `json:"expectation,omitempty" maxLength:"200" doc:"The slug of the expectation that it is meant for."`
		Note        string       `json:"note,omitempty" maxLength:"4000"`
		Record      Line         `json:"record,omitempty" doc:"The record that the file supports, as a line of exhibit import: the expectations judge it as if a source had delivered it. What it is about, the file is about."`
	}
}) (out *Answer[people.Upload], err error) {
	b := &in.Body
	sub := service.Submission{File: b.handed(), Upload: people.Upload{Title: b.Title, SourceSystem: b.System, URL: b.URL, Account: b.Account,
		CaptureMethod: b.Method, Expectation: b.Expectation, Note: b.Note}}
	if b.About != nil {
		sub.Upload.About = &evidence.Subject{Type: b.About.Type, ID: b.About.ID}
	}
	for _, t := range []struct {
		name, text string
		read       func(name, s string) (time.Time, error)
		into       *time.Time
	}{
		{"captured_at", b.Captured, dayStart, &sub.Times.Captured}, {"claimed_event_time", b.Event, dayStart, &sub.Times.Event},
		{"claimed_period_start", b.From, dayStart, &sub.Times.From}, {"claimed_period_end", b.To, parseDay, &sub.Times.To},
	} {
		if *t.into, err = t.read(t.name, t.text); err != nil {
			return nil, err
		}
	}
	if _, err := time.Parse(time.DateOnly, b.Captured); err == nil {
		return nil, wrong("write 2026-03-02T10:15:00+01:00", errNoTimeOfDay)
	}
	err = a.atDesk(ctx, func(d *service.Desk) error {
		if b.Record != nil {
			if sub.Record, err = d.OneRecord(bytes.NewReader(b.Record), "record"); err != nil {
				return err
			}
		}
		out, err = answered(d.Submit(ctx, sub))
		return err
	})
	return out, err
}

var errNoTimeOfDay = errors.New("captured_at has no time of day")

func (a *API) retest(ctx context.Context, in *struct {
	Body struct {
		Expectation string `json:"expectation" minLength:"1" maxLength:"200"`
		Subject     string `json:"subject" minLength:"1" maxLength:"8192" doc:"An id, or type/id."`
		Result      string `json:"result" enum:"pass,fail"`
		Note        string `json:"note" minLength:"1" maxLength:"4000" doc:"What was looked at and what was found."`
		Sample      string `json:"sample,omitempty" maxLength:"200" doc:"The draw on record that the item was in."`
		File        *File  `json:"file,omitempty" doc:"What shows it."`
	}
}) (out *Answer[people.Retest], err error) {
	b := in.Body
	var file *service.File
	if b.File != nil {
		f := b.File.handed()
		file = &f
	}
	err = a.atDesk(ctx, func(d *service.Desk) error {
		out, err = answered(d.RetestItem(ctx, b.Expectation, b.Subject, people.Retest{Result: b.Result, Note: b.Note, Sample: b.Sample}, file))
		return err
	})
	return out, err
}
