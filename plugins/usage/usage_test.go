package usage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// newBook opens books for both kinds, with what the last run left.
func newBook(cursors map[string]string) (*coverage.Book, *connectortest.Recorder) {
	rec := connectortest.NewRecorder()
	d := connector.Descriptor{Kinds: []connector.KindSpec{{Kind: records.KindVendorUsage, Major: 1}, {Kind: records.KindModelObservation, Major: 1}}}
	return coverage.New(d, connector.Request{Cursors: cursors}, rec), rec
}

func date(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, time.UTC)
}

// A run reads on from where the last one ended, some days of it again, and
// never a day that is not over.
func TestDays(t *testing.T) {
	window := usage.Window{Now: date(3, 20, 4), History: 10}
	for name, c := range map[string]struct {
		window usage.Window
		cursor string
		want   usage.Days
	}{
		"first":         {window, "", usage.Days{First: date(3, 10, 0), Until: date(3, 20, 0), From: date(3, 10, 0)}},
		"too early":     {usage.Window{Now: date(3, 20, 2), History: 10}, "", usage.Days{First: date(3, 9, 0), Until: date(3, 19, 0), From: date(3, 9, 0)}},
		"since":         {usage.Window{Now: window.Now, History: 10, Since: date(3, 15, 12)}, "", usage.Days{First: date(3, 15, 0), Until: date(3, 20, 0), From: date(3, 15, 0)}},
		"goes on":       {window, `{"first":"2026-01-01T00:00:00Z","until":"2026-03-19T00:00:00Z"}`, usage.Days{First: date(1, 1, 0), Until: date(3, 20, 0), From: date(3, 16, 0)}},
		"short history": {window, `{"first":"2026-03-18T00:00:00Z","until":"2026-03-19T00:00:00Z"}`, usage.Days{First: date(3, 18, 0), Until: date(3, 20, 0), From: date(3, 18, 0)}},
		"to come":       {window, `{"first":"2026-01-01T00:00:00Z","until":"2026-03-21T00:00:00Z"}`, usage.Days{First: date(3, 10, 0), Until: date(3, 20, 0), From: date(3, 10, 0)}},
		"backwards":     {window, `{"first":"2026-03-19T00:00:00Z","until":"2026-03-18T00:00:00Z"}`, usage.Days{First: date(3, 10, 0), Until: date(3, 20, 0), From: date(3, 10, 0)}},
		"no cursor":     {window, `nonsense`, usage.Days{First: date(3, 10, 0), Until: date(3, 20, 0), From: date(3, 10, 0)}},
	} {
		book, _ := newBook(map[string]string{"use": c.cursor})
		if got := c.window.Days(book, "use"); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if raw, err := json.Marshal(usage.Days{First: date(3, 1, 0), Until: date(3, 2, 0), From: date(3, 1, 0)}); err != nil ||
		string(raw) != `{"first":"2026-03-01T00:00:00Z","until":"2026-03-02T00:00:00Z"}` {
		t.Errorf("the cursor is %s, %v", raw, err)
	}
}

// A day is over once it is over on the vendor's clock too.
func TestBehind(t *testing.T) {
	now := date(3, 2, 4)
	for said, want := range map[string]time.Time{
		"Sun, 01 Mar 2026 23:00:00 GMT": date(3, 1, 23),
		"Mon, 02 Mar 2026 04:00:20 GMT": now,
		"Tue, 03 Mar 2026 04:00:00 GMT": now,
		"yesterday":                     now,
		"Sun, 01 Mar 2020 23:00:00 GMT": now,
	} {
		if got := usage.Behind(http.Header{"Date": {said}}, now); !got.Equal(want) {
			t.Errorf("%s: %v", said, got)
		}
	}
}

// bucket is a day in a form of the test's own.
type bucket struct {
	Start time.Time         `json:"start"`
	Rows  []json.RawMessage `json:"rows"`
}

func (b bucket) Day() (time.Time, []json.RawMessage) { return b.Start, b.Rows }

type row struct {
	N int `json:"n"`
}

// read reads a report of the first two days of March.
func read(t *testing.T, answer func(page string) string, each func(time.Time, row) error) error {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer(r.URL.Query().Get("page")))
	}))
	t.Cleanup(s.Close)
	c, err := rest.New(transport.Options{BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	days := usage.Days{First: date(3, 1, 0), From: date(3, 1, 0), Until: date(3, 3, 0)}
	return usage.Read[bucket](t.Context(), c, usage.Report{Call: rest.Call{Path: "use"}, Days: days}, each)
}

func TestRead(t *testing.T) {
	var got []string
	err := read(t, func(page string) string {
		if page == "" {
			return `{"data":[{"start":"2026-03-01T00:00:00Z","rows":[{"n":1},{"n":2}]}],"has_more":true,"next_page":"2"}`
		}
		return `{"data":[{"start":"2026-03-02T00:00:00Z","rows":[{"n":3}]}],"has_more":false}`
	}, func(at time.Time, r row) error {
		got = append(got, fmt.Sprint(at.Format(time.DateOnly), " ", r.N))
		return nil
	})
	if want := []string{"2026-03-01 1", "2026-03-01 2", "2026-03-02 3"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	enough := errors.New("enough")
	err = read(t, func(string) string {
		return `{"data":[{"start":"2026-03-01T00:00:00Z","rows":[{}]}],"has_more":false}`
	}, func(time.Time, row) error { return enough })
	if !errors.Is(err, enough) {
		t.Error(err)
	}
	never := usage.Report{Days: usage.Days{From: date(3, 3, 0), Until: date(3, 3, 0)}}
	if err := usage.Read[bucket](t.Context(), nil, never, func(time.Time, row) error { return enough }); err != nil {
		t.Errorf("no day is to be read: %v", err)
	}
}

// A sum that may lack something is no sum.
func TestReportsThatAreNone(t *testing.T) {
	for answer, want := range map[string]string{
		`{"has_more":false}`: rest.NoList,
		`{"data":[]}`:        rest.NoList,
		`{"data":[{"rows":[]}],"has_more":false}`:                                               "no beginning",
		`{"data":[{"start":"2026-03-01T00:00:00Z"}],"has_more":false}`:                          "no results",
		`{"data":[{"start":"2026-03-03T00:00:00Z","rows":[]}],"has_more":false}`:                "2026-03-03T00:00:00Z, which is no day",
		`{"data":[{"start":"2026-02-28T00:00:00Z","rows":[]}],"has_more":false}`:                "no day that was asked for",
		`{"data":[{"start":"2026-03-01T12:00:00Z","rows":[]}],"has_more":false}`:                "no day that was asked for",
		`{"data":[{"start":"2026-03-01T00:00:00Z","rows":[{"n":"many"}]}],"has_more":false}`:    "a row of 2026-03-01",
		`{"data":[],"has_more":true}`:                                                           rest.NoToken,
		`{"data":[{"start":"2026-03-01T00:00:00Z","rows":[]}],"has_more":true,"next_page":"x"}`: "circle",
	} {
		err := read(t, func(string) string { return answer }, func(time.Time, row) error { return nil })
		if err == nil || coverage.ReasonOf(err) != connector.Malformed || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// Costs are added without the error of a float; what comes to nothing is no row.
func TestCosts(t *testing.T) {
	book, rec := newBook(nil)
	sums := usage.Costs{}
	for range 10 {
		sums.Add(date(3, 1, 0), "b", big.NewRat(1, 10))
	}
	sums.Add(date(3, 1, 0), "a", big.NewRat(-5, 1))
	sums.Add(date(3, 1, 0), "c", big.NewRat(5, 1))
	sums.Add(date(3, 1, 0), "c", big.NewRat(-5, 1))
	if err := sums.Tell(book, "acme", "https://acme.example/cost"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rec.Records() {
		got = append(got, fmt.Sprint(r.Key, " ", connectortest.Payload(t, r)["cost"], " ", records.Stamp(r.EventTime)))
	}
	want := []string{"acme|a|||2026-03-01|cost -5 2026-03-01T00:00:00Z", "acme|b|||2026-03-01|cost 1 2026-03-01T00:00:00Z"}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// An answer is told once a day for each who asked; where several models were
// asked for and none of them answered, it is not known which was meant.
func TestAnswered(t *testing.T) {
	book, rec := newBook(nil)
	seen := usage.Answered{Book: book, Vendor: "acme", Within: "project", Asked: []records.Asked{
		{Project: "p", Model: "m", System: "one"}, {Project: "p", Model: "m", System: "two"},
		{Project: "q", Model: "m", System: "one"}, {Project: "q", Model: "n", System: "one"},
	}}
	for _, u := range []records.Use{{Project: "p", APIKey: "k", Model: "m"}, {Project: "p", APIKey: "l", Model: "m"}, {Project: "q", Model: "x"}, {Model: "y"}} {
		if err := seen.Tell(date(3, 1, 0), u); err != nil {
			t.Fatal(err)
		}
	}
	if err := seen.Puzzles(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rec.Records() {
		got = append(got, r.Key)
	}
	slices.Sort(got)
	want := []string{"acme|one|p|m|m|2026-03-01", "acme|one|q||x|2026-03-01", "acme|two|p|m|m|2026-03-01", "acme||||y|2026-03-01"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if gaps := rec.Gaps(); len(gaps) != 1 || gaps[0].Scope != "what was asked for when x answered in project q" || gaps[0].Reason != connector.NotFound {
		t.Errorf("%+v", gaps)
	}
}

// What was used or is asked for, and is in no list, is told.
func TestListed(t *testing.T) {
	book, rec := newBook(nil)
	listed := map[string]bool{"": true, "p": true}
	if err := usage.Hidden(book, "project", map[string]bool{"": true, "p": true, "x": true}, listed, records.KindVendorUsage); err != nil {
		t.Fatal(err)
	}
	seen := usage.Answered{Book: book, Within: "project", Asked: []records.Asked{{APIKey: "k"}, {Project: "p"}, {Project: "y"}, {Project: "y"}}}
	if err := seen.Undeclared(listed); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range rec.Gaps() {
		got = append(got, fmt.Sprint(g.Kinds, " ", g.Reason, " ", g.Scope))
	}
	if want := []string{"[vendor.usage] hidden project x", "[vendor.model_observation] not_found project y"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
