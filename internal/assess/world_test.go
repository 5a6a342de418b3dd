package assess_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

type catalogOf = *catalog.Catalog

// world is a small ledger for a test: records of one source, and one complete
// run that read everything an hour before the instant of interest.
type world struct {
	at    time.Time
	runs  []evidence.Run
	items []evidence.Evidence
}

func newWorld(eng *assess.Engine) *world {
	w := &world{at: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	w.runs = []evidence.Run{w.run(eng, "r1", w.at.Add(-time.Hour))}
	return w
}

// run is a complete run of source s that read every kind.
func (w *world) run(eng *assess.Engine, id string, finished time.Time) evidence.Run {
	r := evidence.Run{ID: id, StartedAt: finished.Add(-time.Minute), FinishedAt: finished, Status: evidence.RunComplete,
		Provenance: evidence.Provenance{Source: "s", Identity: "reader", Method: "api"}, Kinds: map[string]evidence.KindRead{}}
	for _, k := range eng.Kinds() {
		r.Kinds[k] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
	}
	return r
}

// item adds a record with the subject as its key.
func (w *world) item(t testing.TB, kind, subject, payload string) *evidence.Evidence {
	t.Helper()
	canonical, err := evidence.CanonicalObject([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	subjectType, id, _ := strings.Cut(subject, "/")
	w.items = append(w.items, evidence.Evidence{Seq: int64(len(w.items) + 1), Digest: evidence.Sum(fmt.Appendf(nil, "%d", len(w.items))),
		Run: "r1", Source: "s", Kind: kind, Major: 1, Subject: evidence.Subject{Type: subjectType, ID: id}, Key: id, Revision: 1,
		CollectedAt: w.at.Add(-90 * time.Minute), PayloadSum: evidence.Sum(canonical), Payload: canonical})
	return &w.items[len(w.items)-1]
}

func (w *world) load(t testing.TB, s *assess.State) {
	t.Helper()
	for _, r := range w.runs {
		s.ApplyRun(r)
	}
	for _, e := range w.items {
		if err := s.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
}
