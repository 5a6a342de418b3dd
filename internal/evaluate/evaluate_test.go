package evaluate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

var (
	noon  = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	later = noon.Add(time.Hour)
)

// world is a store in which one system was declared.
func world(t *testing.T) store.Store {
	t.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New(key.Signer(), func() time.Time { return later })
	run := evidence.Run{ID: "one", Provenance: evidence.Provenance{Source: "register", Connector: "register"}, StartedAt: noon}
	closed := run
	closed.FinishedAt, closed.Status = noon.Add(time.Minute), evidence.RunComplete
	closed.Kinds = map[string]evidence.KindRead{"inventory.ai_system": {Coverage: "complete", Enumerated: true, IndependentCount: -1}}
	add(t, st, store.Batch{Open: &run})
	add(t, st, store.Batch{Run: "one", Records: []evidence.Record{{Kind: "inventory.ai_system", Major: 1, Key: "s", CollectedAt: noon,
		Subject: evidence.Subject{Type: "ai_system", ID: "s"}, Payload: []byte(`{"system_id":"s","name":"S","owner":"a.berg"}`)}}})
	add(t, st, store.Batch{Run: "one", Close: &store.RunClose{Run: closed, Seen: func(string, string, string) bool { return true }}})
	return st
}

func add(t *testing.T, st store.Store, b store.Batch) {
	t.Helper()
	if _, err := st.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func engine(t *testing.T) *assess.Engine {
	t.Helper()
	e, err := evaluate.Rules{Shipped: config.FS, Trusted: true, Prepared: evaluate.Prepared{Conditions: config.Conditions}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// shown is what an export would show: assessment and lives.
func shown(t *testing.T, eng *assess.Engine, st store.Store) (int64, string) {
	t.Helper()
	a, err := evaluate.New(eng, st).At(context.Background(), later)
	if err != nil {
		t.Fatal(err)
	}
	book, err := evaluate.LivesAt(t.Context(), st, a, evaluate.Duties{Due: map[string]time.Duration{"major": 24 * time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(map[string]any{"a": a, "lives": book.Lives()})
	if err != nil {
		t.Fatal(err)
	}
	return a.Checkpoint.Size, string(out)
}

// record does what assessing does: the findings' events and the assessment
// become entries.
func record(t *testing.T, eng *assess.Engine, st store.Store, at time.Time) *finding.Book {
	t.Helper()
	a, err := evaluate.New(eng, st).At(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	var lives evaluate.Lives
	if err := lives.Read(t.Context(), st, time.Time{}); err != nil {
		t.Fatal(err)
	}
	after, events, err := lives.With(a, finding.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := finding.Bodies(events)
	if err != nil {
		t.Fatal(err)
	}
	var entries []store.NewEntry
	for _, b := range bodies {
		entries = append(entries, store.NewEntry{Type: evidence.EntryFinding, Body: b})
	}
	body, err := json.Marshal(map[string]any{"as_of": at, "findings": map[string]int{"open": 1}})
	if err != nil {
		t.Fatal(err)
	}
	add(t, st, store.Batch{Entries: append(entries, store.NewEntry{Type: evidence.EntryAssessment, Body: body})})
	return after
}

// However often anybody assesses again, an export of the same instant is the
// same; when a finding opened and what a person decides about it is part of it.
func TestConcludingChangesNothing(t *testing.T) {
	st, eng := world(t), engine(t)
	if size, _ := shown(t, eng, st); size != 3 {
		t.Fatalf("content ends at %d", size)
	}
	book := record(t, eng, st, noon.Add(time.Minute))
	size, first := shown(t, eng, st)
	if opened := noon.Add(time.Minute).Format(time.RFC3339); size != 4 || !strings.Contains(first, `"opened_at":"`+opened) {
		t.Fatalf("content ends at %d, nothing was opened at %s: %s", size, opened, first)
	}
	for i := range 3 {
		book = record(t, eng, st, noon.Add(time.Duration(i+2)*time.Minute))
		if n, again := shown(t, eng, st); n != size || again != first {
			t.Fatalf("after assessing %d times: %d entries: %s", i+1, n, cmp.Diff(first, again))
		}
	}
	open := book.Lives()
	if len(open) == 0 {
		t.Fatal("nothing is open in a world without evidence")
	}
	ev, err := finding.Acknowledge(open[0], "a.berg", "seen", noon.Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := finding.Bodies([]finding.Event{ev})
	if err != nil {
		t.Fatal(err)
	}
	add(t, st, store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryFinding, Body: bodies[0]}}})
	acked, second := shown(t, eng, st)
	if acked <= size || second == first {
		t.Fatalf("what a person decided is not content: %d entries", acked)
	}
	record(t, eng, st, noon.Add(20*time.Minute))
	if n, again := shown(t, eng, st); n != acked || again != second {
		t.Errorf("after assessing once more: %d entries: %s", n, cmp.Diff(second, again))
	}
}

// What is wrong is said in the same words, with its line, whether the shipped
// rules are read from their files or not; and what is right is the same.
func TestPreparedRules(t *testing.T) {
	files := evaluate.Rules{Shipped: config.FS, Trusted: true}
	prepared := files
	prepared.Prepared = evaluate.Prepared{Catalog: config.Catalog, Expectations: config.Expectations, Conditions: config.Conditions}
	digests := map[bool]bool{}
	for _, text := range []string{
		"",
		"overrides:\n  vendor-assessed: {severity: huge}\n",
		"overrides:\n  release-change-approved: {params: {approvals: -1}}\n",
		"overrides:\n  ai-policy-current: {params: {topics: [1, 2]}}\n",
		"overrides:\n  risk-assessment-per-system: {params: {tiers: [1, 2]}}\n",
	} {
		own := []evaluate.RuleFile{{Name: "ours.yaml", Text: []byte(text)}}
		files.Own, prepared.Own = own, own
		a, errA := files.Compile()
		b, errB := prepared.Compile()
		if fmt.Sprint(errA) != fmt.Sprint(errB) {
			t.Errorf("%s: %v\nprepared: %v", text, errA, errB)
		}
		digests[errA == nil] = true
		if errA == nil && errB == nil && digestOf(t, a) != digestOf(t, b) {
			t.Errorf("%s: the digests differ", text)
		}
	}
	if len(digests) != 2 {
		t.Error("want some that compile and some that do not")
	}
}

// digestOf is the digest of catalog and rules.
func digestOf(t *testing.T, eng *assess.Engine) evidence.Digest {
	t.Helper()
	a, err := eng.NewState().At(later, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	return a.Catalog.Digest
}
