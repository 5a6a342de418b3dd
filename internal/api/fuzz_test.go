package api

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// FuzzIntake holds what is taken in of a body against what was promised: all of
// it or nothing, of the source that the token names, and again the same.
func FuzzIntake(f *testing.F) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		f.Fatal(err)
	}
	header := `{"run":{"source":"ci","scope":{"risk.assessment":"complete"}}}`
	one := assessmentLine(1)
	for _, body := range []string{
		one, one + "\n" + assessmentLine(2), header + "\n" + one, one + "\n" + header, header + "\n" + header, "\ufeff" + one, one + "\r\n\r\n" + one, "\n\n", "",
		`{"run":{"source":"other"}}` + "\n" + one, `{"run":{"source":"register"}}`, `{"run":{"source":"ci","identity":"x"}}`, `{"run":{"source":"ci","method":"upload"}}`,
		`{"run":{"source":"ci","started_at":"2026-01-01T00:00:00Z","finished_at":"2020-01-01T00:00:00Z"}}`, `{"kind":"x","kind":"y"}`, `{"kind":"risk.assessment","payload":{"\u0000":1e999}}`,
		`{"kind":"governance.waiver","subject":{"type":"waiver","id":"W"},"key":"W","payload":{}}`, "{\"kind\":\"\xff\"}", `{"kind":"risk.assessment","event_time":"9999-12-31T23:59:59Z"}`,
	} {
		f.Add(ndjson, []byte(body))
	}
	for _, body := range []string{"[" + one + "]", "[" + header + "," + one + "]", "[]", "[1]", "[[" + one + "]]", "[" + one + ",]", "[" + one + "] 1", "{}", "[" + one, " [\n" + one + "\n]\n"} {
		f.Add("application/json", []byte(body))
	}
	f.Add("application/json; charset=utf-8", []byte("["+one+"]"))
	f.Add("text/csv", []byte("a,b"))
	f.Add(";", []byte(one))
	in := intake{catalog: cat, source: "ci", taken: []string{"register"}, may: func(s string) bool { return s == "ci" }, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		given := bytes.Clone(body)
		got, err := in.read(contentType, body)
		if !bytes.Equal(given, body) {
			t.Fatal("reading changed the body, whose digest goes with the key")
		}
		if err != nil {
			refused(t, err)
			return
		}
		if got.source != "ci" || len(got.records) == 0 || len(got.records) > maxPushRecords {
			t.Fatalf("taken in: %d records of %q", len(got.records), got.source)
		}
		for i := range got.records {
			if _, err := evidence.Canonical(got.records[i].Payload); err != nil {
				t.Fatalf("record %d: %v", i, err)
			}
		}
		again, err := in.read(contentType, body)
		if err != nil || len(again.records) != len(got.records) {
			t.Fatalf("read again: %v, %d records, at first %d", err, len(again.records), len(got.records))
		}
	})
}

// refused fails unless an error is whoever asked's own, with a reason and a
// remedy, and names no more lines than it may.
func refused(t *testing.T, err error) {
	t.Helper()
	var p *Problem
	if !errors.As(err, &p) {
		if !service.IsMistake(err) || hintOf(err) == "" {
			t.Fatalf("refused, and not as a mistake with a remedy: %v", err)
		}
		return
	}
	if p.Status < http.StatusBadRequest || p.Status >= http.StatusInternalServerError || p.Detail == "" || p.Hint == "" || len(p.Errors) > maxPushFaults {
		t.Fatalf("refused with %+v", p)
	}
}

// FuzzCursor follows whatever is given as a cursor to the end of a list: no page
// is too long, no item comes twice, and the list ends.
func FuzzCursor(f *testing.F) {
	all := []string{"a", "b", "c", "d", "e"}
	key := func(s string) string { return s }
	for _, p := range []place{{List: "results", At: 3, Key: "k"}, {List: "results", At: 2, Key: brief("b")}, {List: "results", At: 1 << 62, Key: brief("a")},
		{List: "results"}, {List: "results", At: -1}, {List: "other", At: 1}, {List: "results", At: 5, Key: brief("e")}} {
		f.Add(p.String(), 2)
	}
	for _, s := range []string{"", "e30", "bnVsbA", "!", "e30=", "W10", "eyJsIjoicmVzdWx0cyIsImEiOjJ9", "eyJsIjoicmVzdWx0cyIsImEiOjIsImsiOiIifQ"} {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, cursor string, limit int) {
		limit = 1 + int(uint(limit)%7)
		var seen []string
		for pages := 0; ; pages++ {
			items, next, err := pageOf("results", Paged{Limit: limit, Cursor: cursor}, all, key, every[string])
			if err != nil {
				if pages > 0 || !service.IsMistake(err) {
					t.Fatalf("page %d: %v", pages, err)
				}
				return
			}
			if seen = append(seen, items...); len(items) > limit || pages > len(all) {
				t.Fatalf("%d items on page %d of at most %d", len(items), pages, limit)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
			t.Fatalf("the pages hold %v", seen)
		}
	})
}
