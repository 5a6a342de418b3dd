package assess_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

const (
	triage     = `{"system_id":"triage","owner":"ann","in_scope":true,"risk_tier":"limited","repos":["acme/a"]}`
	pull       = `{"repo":"acme/a","number":1,"author":"bob","head_sha":"h","base_ref":"main","files":["x"],"merged_at":"2026-03-09T10:00:00Z"}`
	approval   = `{"repo":"acme/a","pr_number":1,"review_id":1,"reviewer":"cid","state":"APPROVED","commit_id":"h","submitted_at":"2026-03-09T09:00:00Z"}`
	releaseOf  = "release-change-approved"
	reviewKind = "github.pull_request_review"
	pullKind   = "github.pull_request"
)

// merged is a world with one system, one merged change and its approval.
func merged(t testing.TB, eng *assess.Engine) *world {
	w := newWorld(eng)
	w.item(t, "inventory.ai_system", "ai_system/triage", triage)
	w.item(t, pullKind, "change/acme/a#1", pull).EventTime = time.Date(2026, 3, 9, 10, 0, 0, 0, time.UTC)
	w.item(t, reviewKind, "change/acme/a#1", approval).EventTime = time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)
	return w
}

func (w *world) assess(t testing.TB, eng *assess.Engine, at time.Time) *assess.Assessment {
	t.Helper()
	s := eng.NewState()
	w.load(t, s)
	a, err := s.At(at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func result(t testing.TB, a *assess.Assessment, slug string) *assess.Result {
	t.Helper()
	var out *assess.Result
	for _, r := range a.Results {
		if r.Expectation == slug {
			if out != nil {
				t.Fatalf("more than one result of %s", slug)
			}
			out = r
		}
	}
	if out == nil {
		t.Fatalf("no result of %s", slug)
	}
	return out
}

func wantResult(t testing.TB, r *assess.Result, status assess.Status, words string) {
	t.Helper()
	if r.Status != status || !strings.Contains(r.Reason, words) {
		t.Errorf("%s %s: got %s: %s\nwant %s: … %s", r.Expectation, r.Subject.ID, r.Status, r.Reason, status, words)
	}
}

func TestAsOf(t *testing.T) {
	eng := shipped(t)
	hour := time.Hour

	t.Run("an event read later counts if a later run reaches back, and is flagged", func(t *testing.T) {
		w := merged(t, eng)
		r := result(t, w.assess(t, eng, time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)), releaseOf)
		if r.Status != assess.StatusNotAssessed { // the register is a state: what it said then is not known
			t.Errorf("%s: %s", r.Status, r.Reason)
		}
		w.items[0].CollectedAt = w.at.Add(-48 * hour)
		early := w.run(eng, "r0", w.at.Add(-47*hour))
		for k := range early.Kinds {
			if k != "inventory.ai_system" {
				delete(early.Kinds, k)
			}
		}
		w.runs = append(w.runs, early)
		r = result(t, w.assess(t, eng, time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)), releaseOf)
		wantResult(t, r, assess.StatusSatisfied, "cid")
		if !r.LateCapture {
			t.Error("late capture is not flagged")
		}
	})

	t.Run("a later run that does not reach back leaves the past unknown", func(t *testing.T) {
		w := merged(t, eng)
		w.items[0].CollectedAt = w.at.Add(-48 * hour)
		early := w.run(eng, "r0", w.at.Add(-47*hour))
		for k := range early.Kinds {
			if k != "inventory.ai_system" {
				delete(early.Kinds, k)
			}
		}
		for k, read := range w.runs[0].Kinds {
			read.Since = w.at.Add(-20 * hour)
			w.runs[0].Kinds[k] = read
		}
		w.runs = append(w.runs, early)
		r := result(t, w.assess(t, eng, time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)), releaseOf)
		wantResult(t, r, assess.StatusNotAssessed, "no source has been asked for github.pull_request")
	})

	t.Run("a state holds from its reading to the next", func(t *testing.T) {
		w := newWorld(eng)
		first := w.item(t, "inventory.ai_system", "ai_system/triage", triage)
		first.CollectedAt = w.at.Add(-30 * hour)
		second := w.item(t, "inventory.ai_system", "ai_system/triage", strings.Replace(triage, `"ann"`, `"zoe"`, 1))
		second.Revision = 2
		w.runs = append(w.runs, w.run(eng, "r0", w.at.Add(-29*hour)))
		for at, owner := range map[time.Time]string{second.CollectedAt.Add(-time.Second): "ann", second.CollectedAt: "zoe"} {
			if r := result(t, w.assess(t, eng, at), "risk-assessment-per-system"); r.Owner != owner {
				t.Errorf("at %s the owner is %q, want %q", at, r.Owner, owner)
			}
		}
	})

	t.Run("a key is gone from when it was found gone", func(t *testing.T) {
		w := newWorld(eng)
		w.item(t, "inventory.ai_system", "ai_system/triage", triage).GoneAt = w.at
		wantResult(t, result(t, w.assess(t, eng, w.at.Add(-time.Second)), "risk-assessment-per-system"), assess.StatusMissing, "")
		wantResult(t, result(t, w.assess(t, eng, w.at), "risk-assessment-per-system"), assess.StatusNotApplicable, "")
	})

	t.Run("no instant", func(t *testing.T) {
		if _, err := eng.NewState().At(time.Time{}, assess.Checkpoint{}); err == nil {
			t.Error("the zero time was accepted")
		}
	})
}

// TestAbsenceNeedsALaterReading: what was not found for a change that came
// after the reviews were last read completely is not missing.
func TestAbsenceNeedsALaterReading(t *testing.T) {
	eng := shipped(t)
	w := merged(t, eng)
	w.items = w.items[:2]
	wantResult(t, result(t, w.assess(t, eng, w.at), releaseOf), assess.StatusMissing, "nobody reviewed")

	// The newest run could not read reviews, and brought the change.
	partial := w.run(eng, "r2", w.at.Add(-time.Minute))
	partial.Status = evidence.RunPartial
	read := partial.Kinds[reviewKind]
	read.Coverage = "denied"
	partial.Kinds[reviewKind] = read
	w.runs = append(w.runs, partial)
	w.items[1].CollectedAt, w.items[1].Run = w.at.Add(-2*time.Minute), "r2"
	wantResult(t, result(t, w.assess(t, eng, w.at), releaseOf), assess.StatusStale, assess.ReasonCollectionGap)
}

// TestEverySourceMustBeCurrent: a second source of a kind that has stopped
// makes what rests on the kind stale, whatever the first one says.
func TestEverySourceMustBeCurrent(t *testing.T) {
	eng := shipped(t)
	w := merged(t, eng)
	old := w.run(eng, "old", w.at.Add(-72*time.Hour))
	old.Provenance.Source = "other"
	old.Kinds = map[string]evidence.KindRead{reviewKind: {Coverage: "complete"}}
	w.runs = append(w.runs, old)
	wantResult(t, result(t, w.assess(t, eng, w.at), releaseOf), assess.StatusStale, "other last read github.pull_request_review completely")
}

// TestManualEvidence: what a person handed in counts once another accepted it.
func TestManualEvidence(t *testing.T) {
	eng := shipped(t)
	w := newWorld(eng)
	w.item(t, "inventory.ai_system", "ai_system/triage", triage)
	ra := w.item(t, "risk.assessment", "ai_system/triage",
		`{"assessment_id":"ra","system_id":"triage","assessor":"bob","approved_by":"cid","approved_at":"2026-03-01T00:00:00Z","risks":[{"id":"r"}]}`)
	ra.EventTime, ra.Run = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "up"
	sum := ra.PayloadSum.String()
	up := w.run(eng, "up", w.at.Add(-time.Hour))
	up.Provenance.Method = "upload"
	w.runs = append(w.runs, up)
	slug := "risk-assessment-per-system"
	wantResult(t, result(t, w.assess(t, eng, w.at), slug), assess.StatusPendingReview, "second person")
	for name, c := range map[string]struct {
		upload string
		want   assess.Status
	}{
		"accepted":                          {`{"upload_id":"u","sha256":"` + sum + `","uploader":"bob","reviewer":"ann","review_decision":"accepted","reviewed_at":"2026-03-10T00:00:00Z"}`, assess.StatusSatisfied},
		"accepted by uploader":              {`{"upload_id":"u","sha256":"` + sum + `","uploader":"Bob","reviewer":"bob","review_decision":"accepted","reviewed_at":"2026-03-10T00:00:00Z"}`, assess.StatusPendingReview},
		"accepted by uploader with a blank": {`{"upload_id":"u","sha256":"` + sum + `","uploader":"Bob","reviewer":"bob ","review_decision":"accepted","reviewed_at":"2026-03-10T00:00:00Z"}`, assess.StatusPendingReview},
		"accepted by nobody":                {`{"upload_id":"u","sha256":"` + sum + `","uploader":"Bob","reviewer":" ","review_decision":"accepted","reviewed_at":"2026-03-10T00:00:00Z"}`, assess.StatusPendingReview},
		"rejected":                          {`{"upload_id":"u","sha256":"` + sum + `","uploader":"bob","reviewer":"ann","review_decision":"rejected","reviewed_at":"2026-03-10T00:00:00Z"}`, assess.StatusPendingReview},
		"accepted tomorrow":                 {`{"upload_id":"u","sha256":"` + sum + `","uploader":"bob","reviewer":"ann","review_decision":"accepted","reviewed_at":"2026-03-11T00:00:00Z"}`, assess.StatusPendingReview},
		"a file, and no record":             {`{"upload_id":"u","sha256":"` + sum + `","file_sha256":"` + sum + `","uploader":"bob","reviewer":"ann","review_decision":"accepted","reviewed_at":"2026-03-10T00:00:00Z"}`, assess.StatusPendingReview},
		"another file":                      {`{"upload_id":"u","sha256":"00","uploader":"bob","reviewer":"ann","review_decision":"accepted","reviewed_at":"2026-03-10T00:00:00Z"}`, assess.StatusPendingReview},
	} {
		t.Run(name, func(t *testing.T) {
			v := *w
			v.items = append([]evidence.Evidence(nil), w.items...)
			v.item(t, "evidence.manual_upload", "record/u", c.upload)
			wantResult(t, result(t, v.assess(t, eng, v.at), slug), c.want, "")
		})
	}
	w.item(t, "evidence.manual_upload", "record/u", `{"upload_id":"u","sha256":"`+sum+`","uploader":"bob","reviewer":"ann","review_decision":"accepted","reviewed_at":"2026-03-10T00:00:00Z"}`)
	handed, review := &w.items[1], &w.items[2]
	handed.Seq, review.Seq = review.Seq, handed.Seq
	*handed, *review = *review, *handed
	wantResult(t, result(t, w.assess(t, eng, w.at), slug), assess.StatusPendingReview, "second person") // it came after the review of what says the same
}

// TestErasedAndBrokenPayloads: an erased payload leaves the result open, a
// payload that is no JSON object is an error, and neither changes what follows.
func TestErasedAndBrokenPayloads(t *testing.T) {
	eng := shipped(t)
	w := merged(t, eng)
	w.items[2].Payload = nil
	wantResult(t, result(t, w.assess(t, eng, w.at), releaseOf), assess.StatusMissing, "nobody reviewed") // it cannot be told which change it was about
	w.items[1].Payload = nil
	if r := result(t, w.assess(t, eng, w.at), releaseOf); r.Status != assess.StatusNotAssessed {
		t.Errorf("%s: %s", r.Status, r.Reason)
	}

	w = merged(t, eng)
	s := eng.NewState()
	w.load(t, s)
	for _, bad := range []string{`[]`, `{"repo":}`, `{"repo":"x"`, `"x"`, ``, `{"a":"b`, "{\"a\":\"b\\"} {
		e := w.items[1]
		e.Seq, e.Key, e.Payload = 99, "other", []byte(bad)
		if err := s.Apply(e); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	a, err := s.At(w.at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	wantResult(t, result(t, a, releaseOf), assess.StatusSatisfied, "cid")
}

func TestAssessStopsAtTheFirstError(t *testing.T) {
	eng := shipped(t)
	boom := errors.New("boom")
	_, err := eng.Assess(assess.Input{AsOf: storyStart,
		Runs:     func(yield func(evidence.Run, error) bool) { yield(evidence.Run{}, boom) },
		Evidence: func(yield func(evidence.Evidence, error) bool) { t.Error("evidence was read") },
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

// TestGolden fixes the JSON form of an assessment and of its findings.
func TestGolden(t *testing.T) {
	eng := shipped(t)
	w := merged(t, eng)
	w.items = w.items[:2]
	a := w.assess(t, eng, w.at)
	a.Catalog.Digest = evidence.Digest{} // covers every rule: changes with each of them
	keep := func(rs []*assess.Result) []*assess.Result {
		out := []*assess.Result{}
		for _, r := range rs {
			if r.Expectation == releaseOf {
				out = append(out, r)
			}
		}
		return out
	}
	small := *a
	small.Results, small.Controls, small.Populations = keep(a.Results), nil, nil
	for _, c := range a.Controls {
		if c.ID == "A.6.2.5" || c.ID == "A.8.5" {
			c.Results = keep(c.Results)
			small.Controls = append(small.Controls, c)
		}
	}
	for _, p := range a.Populations {
		if p.Expectation == releaseOf {
			small.Populations = append(small.Populations, p)
		}
	}
	for name, v := range map[string]any{"assessment": small, "findings": assess.Findings(&small)} {
		got, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := "testdata/" + name + ".golden.json"
		if *update {
			if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFindings(t *testing.T) {
	day := func(d int) *time.Time {
		at := time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC)
		return &at
	}
	res := func(slug, id string, s assess.Status, severity, tier string, due *time.Time) *assess.Result {
		return &assess.Result{Expectation: slug, Control: "A.1", Subject: evidence.Subject{Type: "x", ID: id}, Status: s, Severity: severity, Tier: tier, DueAt: due, Remedy: "fix"}
	}
	a := &assess.Assessment{Results: []*assess.Result{
		res("minor-many", "1", assess.StatusFailing, "minor", "", nil),
		res("minor-many", "2", assess.StatusMissing, "minor", "", nil),
		res("observed", "1", assess.StatusFailing, "observation", "", nil),
		res("open-duty", "1", assess.StatusDue, "major", "", day(9)),
		res("late-duty", "1", assess.StatusMissing, "major", "", day(2)),
		res("waived", "1", assess.StatusWaived, "major", "", nil),
		res("gap", "1", assess.StatusStale, "major", "", nil),
	}}
	for i := range 20 {
		a.Results = append(a.Results, res("lapse", string(rune('a'+i)), assess.StatusSatisfied, "major", "limited", nil))
		a.Results = append(a.Results, res("high", string(rune('a'+i)), assess.StatusSatisfied, "major", "high", nil))
	}
	a.Results = append(a.Results, res("lapse", "z", assess.StatusFailing, "major", "limited", nil), res("high", "z", assess.StatusFailing, "major", "high", nil))
	a.Results[6].Reason = assess.ReasonCollectionGap + ": x"
	var got []string
	for _, f := range assess.Findings(a) {
		got = append(got, f.Expectation+" "+f.Subject.ID+" "+f.Grade+" | "+f.NextStep)
	}
	want := []string{
		"late-duty 1 major | fix",
		"open-duty 1  | fix",
		"gap 1  | Make the source readable again and collect.",
		"lapse z minor | fix",
		"high z major | fix",
		"minor-many 1 major | fix",
		"minor-many 2 major | fix",
		"observed 1 observation | fix",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
