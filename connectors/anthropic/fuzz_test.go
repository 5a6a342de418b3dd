package anthropic

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
	return &run{
		cfg: &config{Vendor: "anthropic", History: 90}, book: coverage.New(New().Describe(), connector.Request{}, rec), defaultID: defaultName,
		used: map[string]bool{}, usedKeys: map[string]bool{}, lastUsed: map[string]string{}, now: time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC),
	}, rec
}

// Whatever a listing holds, what is emitted is what a host takes.
func FuzzListings(f *testing.F) {
	for _, s := range []string{
		`{"data":[{"id":"apikey_1","principal":{"user_id":"u"},"scope":{"type":"organization"}}],"has_more":true,"last_id":"x"}`,
		`{"data":[{"id":"a","type":"b","created_at":"2026-01-01T00:00:00Z","b_id":"\u0000","actor":{"email_address":"\u202e"}}],"has_more":false}`,
		`{"data":[{"id":"m","created_at":"2026-01-01T00:00:00Z","lifecycle":"retired","deprecated_at":"9998-01-01T00:00:00Z"}],"has_more":false}`,
		`{"data":[{"id":"w","data_residency":{"allowed_inference_geos":["b","a"]}}],"has_more":false}`,
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
		const kind = records.KindVendorUser
		known, next := map[string]said{}, map[string]said{}
		sinks := []func() (string, error){
			func() (string, error) {
				s := rest.Into(r.book, "k", func(k key) error {
					if p := k.payload(r); p.Status != records.Line(k.Status, 40) {
						t.Errorf("another status: %+v", p)
					}
					return nil
				}, kind)
				return s.Page("x", p)
			},
			func() (string, error) {
				s := rest.Into(r.book, "m", func(m model) error { return r.lifecycle(m, known, next) }, kind)
				return s.Page("x", p)
			},
			func() (string, error) {
				s := rest.Into(r.book, "w", func(w workspace) error {
					if w.Residency != nil {
						geos(w.Residency.Allowed)
					}
					return nil
				}, kind)
				return s.Page("x", p)
			},
			func() (string, error) {
				s := rest.Into(r.book, "e", func(raw map[string]json.RawMessage) error {
					if a, err := parseActivity(raw); err == nil && (!records.Fit(a.ID) || a.at.IsZero() || a.Type == "") {
						t.Errorf("an activity that is none: %+v", a)
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
	f.Add([]byte(`{"data":[{"starting_at":"2026-03-01T00:00:00Z","results":[{"workspace_id":"p","model":"m","uncached_input_tokens":1,"output_tokens":9223372036854775807}]}],"has_more":false}`))
	f.Add([]byte(`{"data":[{"starting_at":"2026-03-01T00:00:00+00:00","results":[{"model":"m","uncached_input_tokens":1,"output_tokens":2}]}],"has_more":true,"next_page":"x"}`))
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
			return r.usedOn(at, u, seen)
		})
		rec.Sound(t, New())
	})
}

// An amount is the number of cents that is written, or none.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"123.45", "-1", "1e3", "", ".", "1/3", "0x1", "--1", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := amount(s); ok && (v == nil || len(v.FloatString(6)) > 80) {
			t.Errorf("%q is %v", s, v)
		}
	})
}
