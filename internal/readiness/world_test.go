package readiness_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/readiness"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func day(s string) time.Time {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return at
}

// record makes a record of a JSON payload; its event is at the given day.
func record(t testing.TB, kind, subject, key, at, payload string) readiness.Record {
	t.Helper()
	e := evidence.Evidence{Kind: kind, Subject: evidence.Subject{Type: "x", ID: subject}, Key: key, Source: "files",
		Digest: evidence.Sum([]byte(kind + key + payload)), CollectedAt: now, Payload: json.RawMessage(payload)}
	if at != "" {
		e.EventTime = day(at)
	}
	r, err := readiness.ParseRecord(e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// assessment has the controls that it is told, with their results.
func assessment(results ...*assess.Result) *assess.Assessment {
	a := &assess.Assessment{AsOf: now, Checkpoint: assess.Checkpoint{Size: 7, Root: "root"}, Results: results}
	for _, id := range []string{"8.1", "9.2.1", "A.6.2.6", "A.7.2", "A.7.3", "A.8.5", "A.9.2", "A.10.3"} {
		c := assess.Control{ID: id, Title: "title of " + id, Applicable: id != "A.8.5", Status: assess.StatusNotAssessed}
		for _, r := range results {
			if r.Control == id {
				c.Results = append(c.Results, r)
			}
		}
		a.Controls = append(a.Controls, c)
	}
	return a
}

func result(slug, control, subject string, status assess.Status, shown ...string) *assess.Result {
	r := &assess.Result{Expectation: slug, Control: control, Subject: evidence.Subject{Type: "ai_system", ID: subject}, Status: status, Reason: "why"}
	for _, s := range shown {
		r.Evidence = append(r.Evidence, evidence.Sum([]byte(s)))
	}
	return r
}
