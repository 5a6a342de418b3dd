package openai

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// offline is a run that emits into a recorder and asks nobody.
func offline() (*run, *connectortest.Recorder) {
	rec := connectortest.NewRecorder()
	cfg := &config{Vendor: "openai", History: 90}
	return &run{cfg: cfg, book: coverage.New(New().Describe(), connector.Request{}, rec), used: map[string]bool{}, now: time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)}, rec
}

// Whatever a listing holds, what is emitted is what a host takes.
func FuzzListings(f *testing.F) {
	for _, s := range []string{
		`{"data":[{"id":"user-1","email":"a@b","added_at":1767225600,"projects":{"data":[{"id":"p"}]}}],"has_more":false}`,
		`{"data":[{"id":"key","last_used_at":1e3,"owner":{"type":"service_account"}}],"has_more":true,"last_id":"x"}`,
		`{"data":[{"id":"a","type":"b","effective_at":1,"b":{"id":"\u0000"},"actor":{"session":{"user":{"email":"\u202e"}}}}],"has_more":false}`,
		`{"data":[{"id":"m","created":-1,"shutdown_date":"2026-01-01"}],"has_more":false}`,
		`{"data":[{"id":"j","fine_tuned_model":"ft:a:b:c:","method":{"type":"dpo"}}],"has_more":false}`,
		`{"data":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var p rest.Listing
		if json.Unmarshal(body, &p) != nil {
			return
		}
		r, rec := offline()
		kind := records.KindVendorUser
		known, next := map[string]ends{}, map[string]ends{}
		sinks := []func() (string, error){
			func() (string, error) {
				s := rest.Into(r.book, "u", func(u user) error { return r.user(u.payload("openai")) }, kind)
				return s.Page("x", p)
			},
			func() (string, error) {
				s := rest.Into(r.book, "k", func(k key) error { return r.record(k, k.payload(r), pageKeys) }, kind)
				return s.Page("x", p)
			},
			func() (string, error) {
				s := rest.Into(r.book, "m", func(m model) error { return r.lifecycle(m, known, next) }, kind)
				return s.Page("x", p)
			},
			func() (string, error) {
				s := rest.Into(r.book, "j", func(j job) error {
					if records.Fit(j.ID) && records.Fit(j.Made) {
						return r.version(j)
					}
					return nil
				}, kind)
				return s.Page("x", p)
			},
			func() (string, error) {
				s := rest.Into(r.book, "e", func(raw map[string]json.RawMessage) error {
					if e, err := parseEvent(raw); err == nil && (!records.Fit(e.ID) || records.Unix(e.At).IsZero()) {
						t.Errorf("an event that is none: %+v", e)
					}
					return nil
				}, kind)
				return s.Page("x", p)
			},
		}
		for _, page := range sinks {
			if next, err := page(); err == nil && next != "" && !*p.HasMore {
				t.Error("goes on although nothing follows")
			}
		}
		rec.Sound(t, New())
	})
}

// A report gives days that were asked for, or an error.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"data":[{"start_time":1772323200,"results":[{"project_id":"p","model":"m","num_model_requests":1,"input_tokens":9223372036854775807}]}],"has_more":false}`))
	f.Add([]byte(`{"data":[{"start_time":1772323201,"results":[]}],"has_more":true,"next_page":"x"}`))
	f.Add([]byte(`{"data":[{"start_time":9223372036854775807,"results":[{}]}],"has_more":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p usage.Page[bucket]
		if json.Unmarshal(body, &p) != nil {
			return
		}
		r, rec := offline()
		d := r.days("x")
		seen := r.answered()
		_, _ = usage.Deal(report("x", d), p, func(at time.Time, u result) error {
			if at.Before(d.From) || !at.Before(d.Until) {
				t.Errorf("a day that was not asked for: %v", at)
			}
			return r.usedOn("completions", at, u, seen)
		})
		rec.Sound(t, New())
	})
}

// An amount is the number that is written, or none.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"0.06", "1e3", "-1E-7", "1e999999999", "", "0x1p-2", "1/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := amount(json.Number(s)); ok && (v == nil || len(v.FloatString(6)) > 80) {
			t.Errorf("%q is %v", s, v)
		}
	})
}
