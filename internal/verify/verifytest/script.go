package verifytest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Canary stands in the title of a change that nobody approved: reasons quote it.
const Canary = "CANARY-4c1f"

// Day is when the world begins.
var Day = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// AsOf is the instant of the exports.
var AsOf = Day.AddDate(0, 0, 20)

func at(day, minute int) time.Time {
	return Day.AddDate(0, 0, day).Add(time.Duration(minute) * time.Minute)
}

// Run is a collection as a script has it.
type Run struct {
	ID, Source string
	Day        int
	Kinds      []string // read whole
	Records    []evidence.Record
	Gone       []string // keys that are not there any more
}

// Script is what was read, in order. Somebody with the key and the database can
// change it and sign again.
type Script struct {
	Runs   []Run
	Attest bool // what others said about the ledger after the first two runs is on record
}

// record makes a record of a payload.
func record(t testing.TB, kind, typ, id, key string, event time.Time, payload map[string]any) evidence.Record {
	t.Helper()
	raw, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	c, err := evidence.CanonicalObject(raw)
	if err != nil {
		t.Fatal(err)
	}
	return evidence.Record{Kind: kind, Major: 1, Subject: evidence.Subject{Type: typ, ID: id}, Key: key, EventTime: event, Payload: c}
}

// Change is a pull request that was merged on a day.
func Change(t testing.TB, n, day int, title string) evidence.Record {
	merged := at(day, 60)
	return record(t, "github.pull_request", "change", fmt.Sprintf("acme/claims#%d", n), fmt.Sprintf("acme/claims/%d", n), merged,
		map[string]any{"repo": "acme/claims", "number": n, "title": title, "merged_at": merged.Format(time.RFC3339), "author": "a.berg"})
}

// Approval is a review of a pull request.
func Approval(t testing.TB, n int, when time.Time) evidence.Record {
	return record(t, "github.pull_request_review", "change", fmt.Sprintf("acme/claims#%d", n), fmt.Sprintf("acme/claims/%d/r", n), when,
		map[string]any{"repo": "acme/claims", "pr_number": n, "review_id": 100 + n, "reviewer": "m.ek", "state": "APPROVED",
			"submitted_at": when.Format(time.RFC3339)})
}

func waiver(t testing.TB, expires time.Time) evidence.Record {
	return record(t, "waiver.record", "record", "W-1", "W-1", at(0, 30), map[string]any{"waiver_id": "W-1", "expectation_slug": "change-approved",
		"subject": map[string]any{"type": "change", "id": "acme/claims#3"}, "reason": "an emergency", "requested_by": "a.berg", "approved_by": "s.lind",
		"approved_at": at(0, 30).Format(time.RFC3339), "expires_at": expires.Format(time.RFC3339)})
}

const (
	prs     = "github.pull_request"
	reviews = "github.pull_request_review"
)

// Honest is what happened.
func Honest(t testing.TB) *Script {
	t.Helper()
	return &Script{Attest: true, Runs: []Run{
		{ID: "reg-1", Source: "register", Day: 0, Kinds: []string{"inventory.ai_system", "waiver.record"}, Records: []evidence.Record{
			record(t, "inventory.ai_system", "ai_system", "claims", "claims", time.Time{}, map[string]any{"system_id": "claims", "name": "Claims triage",
				"owner": "k.holm", "risk_tier": "high", "stage": "production", "purpose": "Sorts claims.", "repositories": []any{map[string]any{"name": "acme/claims"}}}),
			waiver(t, AsOf.AddDate(0, 1, 0))}},
		{ID: "gh-1", Source: "github", Day: 1, Kinds: []string{prs, reviews}, Records: []evidence.Record{
			Change(t, 1, 0, "Threshold"), Change(t, 2, 0, "Prompt"), Change(t, 3, 0, "Hot fix"), Change(t, 4, 0, Canary+" model swap"),
			Approval(t, 1, at(0, 30)), Approval(t, 2, at(0, 40)), Approval(t, 9, at(0, 50))}},
		{ID: "gh-2", Source: "github", Day: 19, Kinds: []string{prs, reviews}, Gone: []string{"acme/claims/9/r"}, Records: []evidence.Record{
			Change(t, 1, 0, "Threshold, said better"), Change(t, 5, 17, "Retrain"), Change(t, 6, 18, "Rollback"),
			Approval(t, 5, at(17, 30)), Approval(t, 6, at(18, 600))}},
	}}
}

// Run of an id.
func (s *Script) Run(id string) *Run {
	for i := range s.Runs {
		if s.Runs[i].ID == id {
			return &s.Runs[i]
		}
	}
	return nil
}
